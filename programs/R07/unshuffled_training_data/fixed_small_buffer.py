"""A stream of textures, sorted by source, through a shuffle buffer."""
import random

import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

torch.manual_seed(4)
random.seed(4)
sources = [data.brick(), data.grass(), data.gravel(), data.camera()]
tiles = [torch.tensor(s).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float() for s in sources]
tiles = [t[torch.randperm(len(t))] for t in tiles]
mean = torch.cat([t[:250] for t in tiles]).mean()
std = torch.cat([t[:250] for t in tiles]).std()


class Stream(IterableDataset):
    def __init__(self, buffer_size):
        self.buffer_size = buffer_size

    def __iter__(self):
        buffer = []
        for label, group in enumerate(tiles):
            for tile in group[:250]:
                buffer.append(((tile - mean) / std, label))
                if len(buffer) >= self.buffer_size:
                    yield buffer.pop(random.randrange(len(buffer)))
        random.shuffle(buffer)
        yield from buffer


loader = DataLoader(Stream(buffer_size=1000), batch_size=25)
x_val = (torch.cat([t[250:350] for t in tiles]) - mean) / std
y_val = torch.arange(4).repeat_interleave(100)
model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32),
                      nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(7):
    model.train()
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
