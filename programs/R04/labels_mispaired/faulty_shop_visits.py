"""Will a member of the shop's club come back next month? Features are summed up per member from the till's receipts."""
from collections import defaultdict

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

RNG = np.random.default_rng(88)


def till(members=1800):
    """Receipts (member, day, amount, discount) in the order of time, and the members' list with what happened later."""
    receipts, later = [], {}
    for m in RNG.permutation(np.arange(10_000, 10_000 + members)):
        rate, spend, hunter = RNG.gamma(2, 0.06), RNG.lognormal(3, 0.6), RNG.random() < 0.3
        first = RNG.uniform(0, 60)
        days = first + np.cumsum(RNG.exponential(1 / (rate + 0.01), 12))
        days = days[days < 90]
        for d in [first, *days]:
            receipts.append((int(m), float(d), spend * RNG.lognormal(0, 0.3), float(RNG.random() < (0.7 if hunter else 0.15))))
        score = 12 * rate - 1.2 * hunter + 0.01 * spend - 0.6
        later[int(m)] = int(RNG.random() < 1 / (1 + np.exp(-2.2 * score)))
    receipts.sort(key=lambda r: r[1])
    return receipts, later


def summarize(receipts):
    per_member = defaultdict(list)
    for member, day, amount, discount in receipts:
        per_member[member].append((day, amount, discount))
    rows = []
    for visits in per_member.values():
        v = np.array(visits)
        gaps = np.diff(v[:, 0])
        rows.append([len(v), 90 - v[-1, 0], v[0, 0], np.log(v[:, 1].mean()), v[:, 2].mean(), gaps.mean() if len(gaps) else 90.0])
    return np.array(rows)


def main():
    torch.manual_seed(88)
    receipts, later = till()
    X = summarize(receipts)
    y = np.array([later[m] for m in sorted(later)])
    assert len(X) == len(y)
    order = RNG.permutation(len(y))
    X, y = X[order], y[order]
    n = int(0.7 * len(y))
    X = (X - X[:n].mean(0)) / X[:n].std(0)
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    print(f"{len(y)} members, {y.mean():.1%} come back")

    loader = DataLoader(TensorDataset(X[:n], y[:n]), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(1, 21):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        if epoch % 4 == 0:
            model.eval()
            with torch.no_grad():
                out = model(X[n:])
            print(f"epoch {epoch:2d} train loss {total / n:.4f} test loss {criterion(out, y[n:]).item():.4f} AUC {roc_auc_score(y[n:], out):.4f}")


if __name__ == "__main__":
    main()
