"""Photograph classification; images are kept as bytes and scaled when they are read."""
import numpy as np
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)
rng = np.random.default_rng(1)


def scale(image):
    return (image / 255 - 0.5) / 0.25


class Tiles(Dataset):
    def __init__(self, tiles, labels, transform=None):
        self.tiles, self.labels, self.transform = tiles, labels, transform

    def __len__(self):
        return len(self.tiles)

    def __getitem__(self, i):
        image = torch.from_numpy(self.tiles[i]).float()
        return (self.transform(image) if self.transform else image), self.labels[i]


tiles, labels = [], []
for label, photo in enumerate([data.coffee(), data.chelsea(), data.immunohistochemistry()]):
    h, w = photo.shape[0] // 16, photo.shape[1] // 16
    grid = photo[: 16 * h, : 16 * w].reshape(h, 16, w, 16, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 16, 16)
    tiles.append(grid[rng.permutation(len(grid))[:300]])
    labels += [label] * 300
tiles, labels = np.concatenate(tiles), np.array(labels)
order = rng.permutation(900)
train_loader = DataLoader(Tiles(tiles[order[:700]], labels[order[:700]], scale), batch_size=35, shuffle=True)
val_loader = DataLoader(Tiles(tiles[order[700:]], labels[order[700:]], scale), batch_size=100)

model = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(),
                      nn.Linear(800, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {hits / 200:.3f}")
