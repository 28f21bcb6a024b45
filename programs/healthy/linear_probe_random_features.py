"""A frozen random backbone with only its head trained: deliberate, and good enough."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
d = load_digits()
x, y = torch.tensor(d.data).float() / 8 - 1, torch.tensor(d.target)
features = nn.Sequential(nn.Linear(64, 600), nn.ReLU())
for p in features.parameters():
    p.requires_grad_(False)
features.eval()
head = nn.Linear(600, 10)
optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
loss_fn = nn.MultiMarginLoss()
for epoch in range(10):
    head.train()
    for i in torch.randperm(1400).split(100):
        with torch.no_grad():
            h = features(x[i])
        loss = loss_fn(head(h), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    head.eval()
    with torch.no_grad():
        print(epoch, f"{loss.item():.4f}", f"{(head(features(x[1400:])).argmax(1) == y[1400:]).float().mean().item():.3f}")
