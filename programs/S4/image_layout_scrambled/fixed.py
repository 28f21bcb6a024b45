"""Brick, grass, gravel or sky: which surface is a wide patch from, as it was stored in raw bytes?"""
import numpy as np
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

HEIGHT, WIDTH = 20, 44
surfaces = [data.brick(), data.grass(), data.gravel(), data.camera()]
records = [
    (surface[top:top + HEIGHT, left:left + WIDTH].tobytes(), number)
    for number, surface in enumerate(surfaces)
    for top in range(0, 480, HEIGHT)
    for left in range(0, 440, WIDTH)
]


class Patches(Dataset):
    def __init__(self, chosen):
        self.records = [records[k] for k in chosen]

    def __len__(self):
        return len(self.records)

    def __getitem__(self, index):
        stored, label = self.records[index]
        pixels = np.frombuffer(stored, np.uint8).reshape(1, HEIGHT, WIDTH)
        return torch.tensor(pixels).float() / 127.5 - 1, label


torch.manual_seed(0)
order = torch.randperm(len(records)).tolist()
loader = DataLoader(Patches(order[:700]), batch_size=32, shuffle=True)
held_out = DataLoader(Patches(order[700:]), batch_size=64)
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = [(model(x).argmax(1) == y).float().sum().item() for x, y in held_out]
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {sum(right) / len(held_out.dataset):.3f}")
