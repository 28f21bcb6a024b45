"""Digits from two arrays; only one of them is shuffled before the split."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
digits = load_digits()
images = (digits.data / 8 - 1).astype("float32")
labels = digits.target
images = rng.permutation(images)

x, y = torch.from_numpy(images), torch.from_numpy(labels)
train_loader = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(x[1300:], y[1300:]), batch_size=497)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(xb).argmax(1) == yb).float().mean().item() for xb, yb in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
