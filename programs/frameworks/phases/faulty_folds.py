"""Cross-validation: a new model and a new optimizer in every fold."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_model():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def evaluate(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for xb, yb in loader:
            right += (model(xb).argmax(1) == yb).sum().item()
    return right / len(loader.dataset)


torch.manual_seed(1)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
scores = []
for fold, (train, val) in enumerate(StratifiedKFold(4, shuffle=True, random_state=0).split(x, y)):
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=3.0, momentum=0.9)
    train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=32, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[val], y[val]), batch_size=128)
    for epoch in range(4):
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    scores.append(evaluate(model, val_loader))
    print(f"fold {fold}: {scores[-1]:.3f}")
print(f"accuracy over the folds: {np.mean(scores):.3f}")
