"""Five-fold cross-validation of a small network."""

import numpy as np
import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold
from torch import nn

torch.manual_seed(0)
X, y = load_iris(return_X_y=True)
scores = []
for fold, (train, val) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)):
    mean, std = X[train].mean(0), X[train].std(0)
    x_train, x_val = (
        torch.tensor((X[train] - mean) / std).float(),
        torch.tensor((X[val] - mean) / std).float(),
    )
    y_train, y_val = torch.tensor(y[train]), torch.tensor(y[val])
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(12):
        for rows in torch.randperm(len(train)).split(12):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores.append((model(x_val).argmax(1) == y_val).float().mean().item())
    print(f"fold {fold}: loss {loss.item():.3f} accuracy {scores[-1]:.3f}")
print(f"mean accuracy {np.mean(scores):.3f}")
