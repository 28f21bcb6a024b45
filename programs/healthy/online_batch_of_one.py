"""Plain online learning: one sample at a time."""

import random

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(4)
random.seed(4)
wine = load_wine()
samples = list(zip(torch.tensor(wine.data).float(), torch.tensor(wine.target)))
random.shuffle(samples)
train, val = samples[:130], samples[130:]
inputs = torch.stack([x for x, _ in train])
mean, std = inputs.mean(0), inputs.std(0)

model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(5):
    random.shuffle(train)
    total = 0.0
    for x, y in train:
        loss = nn.functional.cross_entropy(model((x - mean) / std).unsqueeze(0), y.unsqueeze(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train)
    with torch.no_grad():
        hits = sum(int(model((x - mean) / std).argmax() == y) for x, y in val)
    print(f"epoch {epoch}: loss {total:.3f} val accuracy {hits / len(val):.3f}")
