"""Textures stored class after class; the loader shuffles them."""
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)


class Tiles(Dataset):
    """Every tile twice: as it is, and mirrored."""

    def __init__(self, tiles, labels, mirror):
        self.tiles, self.labels, self.mirror = tiles, labels, mirror

    def __len__(self):
        return 2 * len(self.tiles) if self.mirror else len(self.tiles)

    def __getitem__(self, index):
        if not self.mirror:
            return self.tiles[index], self.labels[index]
        tile, label = self.tiles[index // 2], self.labels[index // 2]
        return (tile.flip(-1), label) if index % 2 else (tile, label)


train_tiles, val_tiles = [], []
for image in (data.gravel(), data.camera(), data.brick(), data.grass()):
    tiles = torch.tensor(image).float().unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)
    tiles = tiles[torch.randperm(len(tiles))]
    train_tiles.append(tiles[:120])
    val_tiles.append(tiles[120:220])
train_x, val_x = torch.cat(train_tiles), torch.cat(val_tiles)
mean, std = train_x.mean(), train_x.std()
train_set = Tiles((train_x - mean) / std, torch.arange(4).repeat_interleave(120), mirror=True)
val_set = Tiles((val_x - mean) / std, torch.arange(4).repeat_interleave(100), mirror=False)
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=200)

model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3),
                      nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(7):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {hits / len(val_set):.3f}")
