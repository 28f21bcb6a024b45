import argparse

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, shift
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

GLYPHS = {
    "A": "01110 10001 11111 10001 10001", "C": "01111 10000 10000 10000 01111", "E": "11111 10000 11110 10000 11111",
    "H": "10001 10001 11111 10001 10001", "K": "10010 10100 11000 10100 10010", "L": "10000 10000 10000 10000 11111",
    "O": "01110 10001 10001 10001 01110", "T": "11111 00100 00100 00100 00100", "X": "10001 01010 00100 01010 10001",
    "Z": "11111 00010 00100 01000 11111",
}


def render(n, seed, size=12):
    rng = np.random.default_rng(seed)
    base = []
    for code in GLYPHS.values():
        g = np.array([[int(c) for c in row] for row in code.split()], dtype=float)
        im = np.zeros((size, size))
        im[1:11, 1:11] = np.kron(g, np.ones((2, 2)))
        base.append(im)
    y = rng.integers(0, len(base), n)
    x = np.stack([gaussian_filter(shift(base[k], rng.uniform(-1, 1, 2), order=1), rng.uniform(0.3, 0.8)) for k in y])
    return torch.tensor(x + rng.normal(0, 0.25, x.shape), dtype=torch.float32), torch.tensor(y)


class LetterMLP(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(144, hidden), nn.ReLU(),
                                    nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, len(GLYPHS)))
        self.apply(self.reset)

    @staticmethod
    def reset(m):
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, 0.01)
            nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.layers(x)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--hidden", type=int, default=96)
    ap.add_argument("--epochs", type=int, default=25)
    ap.add_argument("--lr", type=float, default=0.05)
    a = ap.parse_args()
    torch.manual_seed(0)
    (x, y), (xv, yv) = render(2000, 0), render(600, 1)
    m, s = x.mean(), x.std()
    loader = DataLoader(TensorDataset((x - m) / s, y), batch_size=40, shuffle=True)
    net = LetterMLP(a.hidden)
    opt = torch.optim.SGD(net.parameters(), lr=a.lr, momentum=0.8)
    for epoch in range(a.epochs):
        net.train()
        tot = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            acc = (net((xv - m) / s).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1} loss {tot / len(loader):.4f} val_acc {acc:.4f}")


if __name__ == "__main__":
    main()
