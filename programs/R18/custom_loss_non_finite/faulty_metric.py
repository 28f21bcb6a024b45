"""Metric learning: digits of one class near each other, others at least a margin away."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)

X, y = load_digits(return_X_y=True)
perm = torch.randperm(len(X))
X, y = torch.tensor(X, dtype=torch.float32)[perm], torch.tensor(y)[perm]
X = (X - X[:1300].mean()) / X[:1300].std()


def contrastive_loss(embeddings, labels, margin=2.0):
    difference = embeddings.unsqueeze(0) - embeddings.unsqueeze(1)
    distance = torch.sqrt(difference.square().sum(dim=-1))
    same = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    attract = (same * distance**2).sum() / same.sum()
    repel = ((1 - same) * (margin - distance).relu() ** 2).sum() / (1 - same).sum()
    return attract + repel


model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(10):
    model.train()
    for batch in torch.randperm(1300).split(52):
        optimizer.zero_grad()
        loss = contrastive_loss(model(X[batch]), y[batch])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        codes = model(X)
    nearest = torch.cdist(codes[1300:], codes[:1300]).argmin(dim=1)
    accuracy = (y[nearest] == y[1300:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, neighbour accuracy {accuracy:.3f}")
