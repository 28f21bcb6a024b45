"""Metric learning: pairs of wines, same cultivar close, others apart."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
x, y = load_wine(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.35, stratify=y, random_state=0)
mean, std = x.mean(0), x.std(0)
x = torch.tensor((x - mean) / std, dtype=torch.float32)
x_val = torch.tensor((x_val - mean) / std, dtype=torch.float32)
y, y_val = torch.tensor(y), torch.tensor(y_val)

embed = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.Adam(embed.parameters(), lr=2e-3)


def distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1))


def contrastive(d, same, margin=2.0):
    return torch.where(same, d ** 2, torch.relu(margin - d) ** 2).mean()


for step in range(1, 301):
    first = torch.randint(len(x), (64,))
    second = torch.randint(len(x), (64,))
    loss = contrastive(distance(embed(x[first]), embed(x[second])), y[first] == y[second])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            nearest = torch.cdist(embed(x_val), embed(x)).argmin(1)
        accuracy = (y[nearest] == y_val).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} accuracy of the nearest {accuracy:.3f}")
