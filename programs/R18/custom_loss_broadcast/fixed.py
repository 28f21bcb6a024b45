import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

X, y = make_friedman1(n_samples=900, n_features=8, noise=0.5, random_state=1)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=1)
x_mean, x_std, y_mean, y_std = X_train.mean(0), X_train.std(0), y_train.mean(), y_train.std()


def to_dataset(X, y):
    X = torch.tensor((X - x_mean) / x_std, dtype=torch.float32)
    return TensorDataset(X, torch.tensor((y - y_mean) / y_std, dtype=torch.float32))


train_loader = DataLoader(to_dataset(X_train, y_train), batch_size=30, shuffle=True)
X_val, y_val = to_dataset(X_val, y_val).tensors


class LogCoshLoss(nn.Module):
    def forward(self, prediction, target):
        error = prediction - target
        return (error + nn.functional.softplus(-2 * error) - np.log(2.0)).mean()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


model = Model()
criterion = LogCoshLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(20):
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        residual = model(X_val).flatten() - y_val
    r2 = 1 - residual.square().sum() / (y_val - y_val.mean()).square().sum()
    print(f"epoch {epoch}: loss {loss.item():.4f}, val R2 {r2.item():.4f}")
