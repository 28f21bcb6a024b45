import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="90 percent promise for delivery times")
parser.add_argument("--quantile", type=float, default=0.9)
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--batch", type=int, default=100)
parser.add_argument("--seed", type=int, default=0)


def deliveries(n, rng):
    """distance (km), weekday, rain, number of stops before -> minutes"""
    km = rng.gamma(2.0, 2.5, n)
    weekday = rng.integers(0, 7, n)
    rain = rng.random(n) < 0.25
    stops = rng.poisson(2, n)
    rush = np.isin(weekday, [0, 4])
    base = 10 + 3.2 * km + 4 * stops + 6 * rush
    spread = 2 + 0.8 * km + 5 * rain
    minutes = base + spread * rng.exponential(1.0, n)
    onehot = np.eye(7)[weekday]
    X = np.column_stack([km, stops, rain, onehot])
    return X.astype(np.float32), minutes.astype(np.float32)


def pinball(pred, target, q):
    err = pred - target
    return torch.maximum(q * err, (q - 1) * err).mean()


def net(n_in):
    return nn.Sequential(
        nn.Linear(n_in, 64),
        nn.ReLU(),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, 1),
    )


def main():
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    X, y = deliveries(4000, rng)
    X_tr, y_tr, X_te, y_te = X[:3200], y[:3200], X[3200:], y[3200:]
    mu, sd = X_tr.mean(0), X_tr.std(0)
    X_tr, X_te = (X_tr - mu) / sd, (X_te - mu) / sd
    y_mu, y_sd = y_tr.mean(), y_tr.std()
    loader = DataLoader(
        TensorDataset(torch.from_numpy(X_tr), torch.from_numpy((y_tr - y_mu) / y_sd)),
        batch_size=args.batch,
        shuffle=True,
    )
    model = net(X.shape[1])
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr)

    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = pinball(model(xb).squeeze(-1), yb, args.quantile)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: pinball loss {total / len(loader):.4f}")

    model.eval()
    with torch.no_grad():
        promise = model(torch.from_numpy(X_te)).squeeze(-1).numpy() * y_sd + y_mu
    coverage = float((y_te <= promise).mean())
    for i in range(4):
        print(f"promised {promise[i]:.0f} min, took {y_te[i]:.0f} min")
    print(f"deliveries in time {coverage:.3f}, wanted {args.quantile}")
    print(f"coverage error {abs(coverage - args.quantile):.3f}")


if __name__ == "__main__":
    main()
