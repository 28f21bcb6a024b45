"""A tenth of the cells is missing: filled with zero after standardizing, with a column that says so."""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(7)
rng = np.random.default_rng(7)
X, y = load_breast_cancer(return_X_y=True)
X[rng.random(X.shape) < 0.1] = np.nan
order = rng.permutation(len(X))
train, val = order[:420], order[420:]
mean, std = np.nanmean(X[train], 0), np.nanstd(X[train], 0)
missing = np.isnan(X)
X = np.concatenate([np.nan_to_num((X - mean) / std), missing], axis=1)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)

model = nn.Sequential(nn.Linear(60, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
for epoch in range(12):
    model.train()
    for rows in np.array_split(rng.permutation(train), 14):
        loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(X[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
