"""Classify wines from laboratory measurements, some of which were not taken."""
import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(3)
rng = np.random.default_rng(3)
X, y = load_wine(return_X_y=True)
X[rng.choice(len(X), 12, replace=False), rng.integers(0, 13, 12)] = np.nan  # as in the laboratory's table
perm = rng.permutation(len(X))
train, val = perm[:130], perm[130:]

mean, std = np.nanmean(X[train], axis=0), np.nanstd(X[train], axis=0)
X = torch.tensor((X - mean) / std, dtype=torch.float32)
y = torch.tensor(y)

net = nn.Sequential(nn.Linear(13, 24), nn.Tanh(), nn.Linear(24, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

for epoch in range(20):
    for start in range(0, 130, 26):
        rows = train[start : start + 26]
        loss = nn.functional.cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    rng.shuffle(train)
    with torch.no_grad():
        accuracy = (net(X[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {accuracy:.3f}")
