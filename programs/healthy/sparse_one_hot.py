"""Categorical columns as one-hot vectors: most inputs are zero."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
levels = [6, 9, 4, 12, 3, 7]
columns = torch.stack([torch.randint(n, (2000,)) for n in levels], dim=1)
effects = [torch.randn(n) for n in levels]
score = sum(effect[columns[:, i]] for i, effect in enumerate(effects)) + 0.5 * torch.randn(2000)
y = torch.bucketize(score, torch.quantile(score, torch.tensor([0.33, 0.67])))
X = torch.cat([F.one_hot(columns[:, i], n) for i, n in enumerate(levels)], dim=1).float()
train_loader = DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(X[1500:], y[1500:]), batch_size=500)
model = nn.Sequential(nn.Linear(sum(levels), 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4)
for epoch in range(8):
    model.train()
    for x, target in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == target).float().mean().item() for x, target in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
