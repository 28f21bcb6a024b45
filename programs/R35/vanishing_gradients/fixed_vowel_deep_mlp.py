import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from torch import nn


def get_data(seed=1):
    d = load_digits()
    x_tr, x_te, y_tr, y_te = train_test_split(d.data, d.target, test_size=0.3, random_state=seed, stratify=d.target)
    pca = PCA(24, whiten=True, random_state=seed).fit(x_tr)
    t = lambda a: torch.tensor(pca.transform(a), dtype=torch.float32)
    return t(x_tr), torch.tensor(y_tr), t(x_te), torch.tensor(y_te)


def deep_net(depth=10, width=64, n_in=24, n_out=10):
    layers, d = [], n_in
    for _ in range(depth):
        layers += [nn.Linear(d, width), nn.BatchNorm1d(width), nn.ReLU()]
        d = width
    layers.append(nn.Linear(d, n_out))
    return nn.Sequential(*layers)


class EarlyStop:
    def __init__(self, patience):
        self.patience, self.best, self.bad = patience, -1.0, 0

    def __call__(self, value):
        if value > self.best:
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        return self.bad >= self.patience


def main():
    torch.manual_seed(40)
    x, y, xt, yt = get_data()
    net = deep_net()
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    stop = EarlyStop(patience=25)
    for epoch in range(30):
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            acc = (net(xt).argmax(1) == yt).float().mean().item()
        print(f"epoch {epoch} loss {np.mean(losses):.4f} test_acc {acc:.4f}")
        if stop(acc):
            print("no improvement, stop")
            break


main()
