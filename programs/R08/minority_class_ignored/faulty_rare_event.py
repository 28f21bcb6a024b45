"""Rare failures of a machine (5 %), predicted from noisy sensors."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
X = torch.randn(3000, 8)
score = X[:, 0] + X[:, 1] * X[:, 2] + 1.2 * torch.randn(3000)
y = (score > score.quantile(0.95)).float()
X_train, y_train, X_val, y_val = X[:2000], y[:2000], X[2000:], y[2000:]
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_val = (X_train - mean) / std, (X_val - mean) / std

loader = DataLoader(TensorDataset(X_train, y_train), batch_size=80, shuffle=True)
model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    total = 0.0
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(loader)
    model.eval()
    with torch.no_grad():
        alarm = model(X_val) > 0
    hit, quiet = alarm[y_val == 1].float().mean().item(), (~alarm[y_val == 0]).float().mean().item()
    print(f"epoch {epoch}: loss {total:.3f} sensitivity {hit:.3f} balanced accuracy {(hit + quiet) / 2:.3f}")
