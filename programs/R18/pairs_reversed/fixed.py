"""Embeddings of handwritten digits, learned from triplets."""

import random

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
random.seed(0)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
train, test = slice(0, 1200), slice(1200, None)
members = [(labels[train] == digit).nonzero().flatten() for digit in range(10)]


def draw(count):
    """Anchors, others of the same digit, and others of another digit."""
    rows = [[], [], []]
    for _ in range(count):
        digit = random.randrange(10)
        other = random.choice([item for item in range(10) if item != digit])
        for chosen, number in zip(rows, (digit, digit, other)):
            chosen.append(random.choice(members[number].tolist()))
    return [images[chosen] for chosen in rows]


net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
criterion = nn.TripletMarginLoss(margin=1.0)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(1, 241):
    anchor, same, different = draw(64)
    loss = criterion(net(anchor), net(same), net(different))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        with torch.no_grad():
            known, asked = net(images[train]), net(images[test])
            nearest = torch.cdist(asked, known).argmin(dim=1)
        accuracy = (labels[train][nearest] == labels[test]).float().mean().item()
        print(f"step {step} loss {loss.item():.3f} nearest neighbour {accuracy:.3f}")
