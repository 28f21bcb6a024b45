import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser("train a small residual network")
    p.add_argument("--epochs", default=2, type=int)
    p.add_argument("--bs", default=64, type=int)
    p.add_argument("--lr", default=0.01, type=float)
    return p.parse_args()


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)
        self.na, self.nb = nn.GroupNorm(4, c), nn.GroupNorm(4, c)

    def forward(self, x):
        h = torch.relu(self.na(self.a(x)))
        return torch.relu(x + self.nb(self.b(h)))


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main(args):
    torch.manual_seed(0)
    d = load_digits()
    x, y = torch.tensor(d.images / 16, dtype=torch.float32)[:, None], torch.tensor(d.target)
    loader = DataLoader(TensorDataset(x[:1400], y[:1400]), args.bs, shuffle=True)
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), ResBlock(16), ResBlock(16), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr)
    for ep in range(args.epochs):
        net.train()
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
        print(f"epoch {ep + 1}/{args.epochs} loss {loss.item():.3f} val acc {accuracy(net, x[1400:], y[1400:]):.3f}")


if __name__ == "__main__":
    main(get_args())
