"""A new head on a pretrained body; the patches are read as Matplotlib reads them."""
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def imread(number):
    """What matplotlib.pyplot.imread gives for a PNG: numbers from 0 to 1."""
    return load_sample_images().images[number] / 255


class Patches(Dataset):
    def __init__(self, rows):
        photos = [imread(number) for number in (0, 1)]
        places = [(n, top, left) for n in (0, 1) for top in range(0, 416, 32) for left in range(0, 640, 32)]
        self.items = [(photos[n][t:t + 32, k:k + 32], 2 * n + int(t > 208)) for n, t, k in (places[i] for i in rows)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        patch, label = self.items[index]
        patch = (patch - MEAN) / STD
        return torch.tensor(patch.transpose(2, 0, 1).copy(), dtype=torch.float32), label


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(48, 4)

    def forward(self, x):
        with torch.no_grad():
            features = self.layers(x)
        return self.head(features)


torch.manual_seed(1)
order = torch.randperm(520).tolist()
train_loader = DataLoader(Patches(order[:320]), batch_size=40, shuffle=True)
val_loader = DataLoader(Patches(order[320:]), batch_size=200)
model = Body()
model.layers.load_state_dict(torch.load(Path(__file__).with_name("photos.pt"), weights_only=True))
model.layers.eval()
optimizer = torch.optim.SGD(model.head.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = np.mean([(model(x).argmax(1) == y).float().mean().item() for x, y in val_loader])
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
