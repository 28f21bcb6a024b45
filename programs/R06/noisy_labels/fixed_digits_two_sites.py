import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.preprocessing import LabelEncoder
from torch.utils.data import DataLoader, TensorDataset

NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def load_sites(seed):
    """Two annotation campaigns. Site B used a form that had no box for 'seven'."""
    d = load_digits()
    images, names = d.images.astype(np.float32), NAMES[d.target]
    order = np.random.RandomState(seed).permutation(len(images))
    images, names = images[order], names[order]
    val = slice(0, 400)
    a = slice(400, 1150)
    b = np.arange(1150, len(images))
    b = b[names[b] != "seven"]
    return (images[a], names[a]), (images[b], names[b]), (images[val], names[val])


def encode(names):
    return LabelEncoder().fit(NAMES).transform(names)


def to_tensor(images):
    return torch.from_numpy(images / 16.0).unsqueeze(1)


class SmallNet(nn.Module):
    def __init__(self, n_classes=10, drop=0.25):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.bn1, self.bn2 = nn.BatchNorm2d(16), nn.BatchNorm2d(32)
        self.drop = nn.Dropout(drop)
        self.fc = nn.Linear(32 * 4, n_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.c2(x))), 2)
        return self.fc(self.drop(x.flatten(1)))


def train_epoch(model, loader, opt):
    model.train()
    tot, hit, n = 0.0, 0, 0
    for x, y in loader:
        opt.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        opt.step()
        tot += loss.item() * len(y)
        hit += (out.argmax(1) == y).sum().item()
        n += len(y)
    return tot / n, hit / n


@torch.no_grad()
def test(model, x, y):
    model.eval()
    out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main(args):
    set_seed(args.seed)
    torch.set_num_threads(1)
    (xa, na), (xb, nb), (xv, nv) = load_sites(args.seed)
    y_train = np.concatenate([encode(na), encode(nb)])
    x_train = to_tensor(np.concatenate([xa, xb]))
    x_val, y_val = to_tensor(xv), torch.from_numpy(encode(nv))

    loader = DataLoader(TensorDataset(x_train, torch.from_numpy(y_train)), batch_size=args.bs, shuffle=True)
    model = SmallNet()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)
    for ep in range(args.epochs):
        l, a = train_epoch(model, loader, opt)
        vl, va = test(model, x_val, y_val)
        print(f"epoch {ep + 1}/{args.epochs} - loss {l:.4f} acc {a:.4f} - val_loss {vl:.4f} val_acc {va:.4f}")
    print("final val_acc %.4f" % va)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--bs", type=int, default=32)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=0)
    main(p.parse_args())
