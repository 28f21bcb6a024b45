import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from torch import nn

X, y = load_breast_cancer(return_X_y=True)


def make_model():
    return nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 1))


def to_tensor(values):
    return torch.tensor(values, dtype=torch.float32)


torch.manual_seed(0)
criterion = nn.BCEWithLogitsLoss()
model = make_model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scores = []
for fold, (train, val) in enumerate(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)):
    mean, std = X[train].mean(axis=0), X[train].std(axis=0)
    X_train, X_val = to_tensor((X[train] - mean) / std), to_tensor((X[val] - mean) / std)
    y_train, y_val = to_tensor(y[train]), to_tensor(y[val])
    model = make_model()
    for _ in range(12):
        for batch in torch.randperm(len(X_train)).split(32):
            loss = criterion(model(X_train[batch]).squeeze(1), y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        correct = (model(X_val).squeeze(1) > 0) == (y_val > 0.5)
    scores.append(correct.float().mean().item())
    print(f"fold {fold}: last loss {loss.item():.3f}, accuracy {scores[-1]:.3f}")
print(f"mean accuracy {np.mean(scores):.3f}")
