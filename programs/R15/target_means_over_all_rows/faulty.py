"""Which support tickets come back: the customer is a category of 300 levels and enters as the share of tickets that came back."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
TICKETS, CUSTOMERS = 1500, 300
customer = rng.integers(0, CUSTOMERS, TICKETS)
hours, words, calls = rng.gamma(2, 5, TICKETS), rng.gamma(3, 40, TICKETS), rng.poisson(1.5, TICKETS)
score = 0.08 * (hours - 10) - 0.004 * (words - 120) + 0.3 * (calls - 1.5) + 0.4 * rng.normal(size=CUSTOMERS)[customer]
back = (rng.random(TICKETS) < 1 / (1 + np.exp(-score))).astype(float)
held = rng.random(TICKETS) < 0.3


def shares(keys, values):
    count, total = np.bincount(keys, minlength=CUSTOMERS), np.bincount(keys, values, minlength=CUSTOMERS)
    return np.where(count > 0, total / np.maximum(count, 1), values.mean())


share = shares(customer, back)[customer]
x = np.column_stack([hours, words, calls, share])
x = torch.from_numpy((x - x[~held].mean(0)) / x[~held].std(0)).float()
y = torch.from_numpy(back).float()[:, None]
train = DataLoader(TensorDataset(x[~held], y[~held]), batch_size=32, shuffle=True)
val = DataLoader(TensorDataset(x[held], y[held]), batch_size=500)
model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
for epoch in range(20):
    model.train()
    for xb, yb in train:
        loss = nn.functional.binary_cross_entropy_with_logits(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits, target = model(x[held]), y[held]
        val_loss = sum(nn.functional.binary_cross_entropy_with_logits(model(xb), yb).item() for xb, yb in val)
        right = ((logits > 0) == (target > 0.5)).float().mean().item()
    print(f"epoch {epoch}: train loss {loss.item():.3f}, validation loss {val_loss:.3f}, accuracy {right:.3f}")
