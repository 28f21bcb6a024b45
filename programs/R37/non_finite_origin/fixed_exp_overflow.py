"""Contrastive learning: two noisy views of a digit attract, all others repel."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

TEMPERATURE = 0.01

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
order = torch.randperm(len(x))
x, y = x[order], y[order]
x = (x - x[:1400].mean()) / x[:1400].std()
encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 24))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)


def contrast(first, second):
    similarity = first @ second.T / TEMPERATURE
    return F.cross_entropy(similarity, torch.arange(len(first)))


def embed(batch):
    return F.normalize(encoder(batch), dim=1)


for epoch in range(10):
    encoder.train()
    for rows in torch.randperm(1400).split(70):
        clean = x[rows]
        views = [clean + 0.6 * torch.randn_like(clean) for _ in range(2)]
        loss = contrast(embed(views[0]), embed(views[1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    encoder.eval()
    with torch.no_grad():
        nearest = (embed(x[1400:]) @ embed(x[:1400]).T).argmax(1)
    accuracy = (y[nearest] == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")
