import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse_args():
    p = argparse.ArgumentParser("crop yield")
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--batch-size", type=int, default=50)
    p.add_argument("--hidden", type=int, default=48)
    p.add_argument("--seed", type=int, default=11)
    return p.parse_args()


def simulate_fields(n, rng):
    rain = rng.gamma(8, 60, n)
    temp = rng.normal(14, 3, n)
    ph = rng.normal(6.5, 0.6, n)
    nitro = rng.uniform(20, 180, n)
    slope = rng.exponential(4, n)
    irrigated = (rng.random(n) < 0.3).astype(float)
    water = rain + 200 * irrigated
    y = (
        6.0 * np.exp(-(((water - 550) / 250) ** 2))
        + 2.0 * np.exp(-(((temp - 15) / 4) ** 2))
        + 3.0 * (1 - np.exp(-nitro / 60))
        - 0.7 * (ph - 6.4) ** 2
        - 0.06 * slope
        + rng.normal(0, 0.3, n)
    )
    return np.stack([rain, temp, ph, nitro, slope, irrigated], 1), y


def smooth_loss(pred, target):
    """pseudo-huber, less sensitive to hail years"""
    diff = pred - target
    return (torch.sqrt(1 + diff**2) - 1).mean()


class YieldNet(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.fc1 = nn.Linear(n_in, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return self.out(x)


def main():
    args = parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    X, y = simulate_fields(2400, rng)
    X_tr, X_te, y_tr, y_te = X[:2000], X[2000:], y[:2000], y[2000:]
    m, s = X_tr.mean(0), X_tr.std(0)
    X_tr, X_te = (X_tr - m) / s, (X_te - m) / s

    ds = TensorDataset(
        torch.tensor(X_tr, dtype=torch.float32),
        torch.tensor(y_tr, dtype=torch.float32),
    )
    loader = DataLoader(ds, batch_size=args.batch_size, shuffle=True)
    net = YieldNet(X.shape[1], args.hidden)
    opt = torch.optim.RMSprop(net.parameters(), lr=args.lr)

    for epoch in range(1, args.epochs + 1):
        net.train()
        run = 0.0
        for xb, yb in loader:
            loss = smooth_loss(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            run += loss.item()
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d}: loss {run / len(loader):.4f}")

    net.eval()
    with torch.no_grad():
        pred = net(torch.tensor(X_te, dtype=torch.float32)).numpy().ravel()
    print("first predictions", pred[:5].round(2), "true", y_te[:5].round(2))
    r2 = 1 - ((pred - y_te) ** 2).sum() / ((y_te - y_te.mean()) ** 2).sum()
    print(f"R2 on the test fields: {r2:.3f}")


if __name__ == "__main__":
    main()
