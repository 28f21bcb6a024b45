"""Digits from two archives; the second one was exported as bytes."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
digits = load_digits()
order = rng.permutation(len(digits.target))
images, labels = digits.images[order] / 16, digits.target[order]
first, second = images[:900], (images[900:] * 255).round()
images = np.concatenate([first, second])

split = torch.randperm(len(images))
train, val = split[:1400], split[1400:]
x, y = torch.tensor(images, dtype=torch.float32).unsqueeze(1), torch.tensor(labels)
x = (x - x[train].mean()) / x[train].std()
train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(x[val], y[val]), batch_size=397)
model = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3), nn.ReLU(),
                      nn.Flatten(), nn.Linear(96, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(xb).argmax(1) == yb).float().mean().item() for xb, yb in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
