"""Random quarter turns and flips of textures, validated on upright tiles."""

import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(13)


class Tiles(Dataset):
    def __init__(self, images, labels, augment=False):
        self.images, self.labels, self.augment = images, labels, augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.augment:
            image = torch.rot90(image, int(torch.randint(4, ())), dims=(1, 2))
            image = image.flip(2) if torch.rand(()) < 0.5 else image
        return image, self.labels[i]


sources = [data.brick(), data.grass(), data.gravel(), data.camera()]
tiles = torch.cat(
    [torch.tensor(s).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)[::4].float() for s in sources]
)
labels = torch.arange(4).repeat_interleave(256)
order = torch.randperm(1024)
tiles, labels = tiles[order], labels[order]
tiles = (tiles - tiles[:800].mean()) / tiles[:800].std()
train_loader = DataLoader(Tiles(tiles[:800], labels[:800], augment=True), batch_size=32, shuffle=True)
val_loader = DataLoader(Tiles(tiles[800:], labels[800:]), batch_size=224)
model = nn.Sequential(
    nn.Conv2d(1, 24, 3, stride=2),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.Conv2d(24, 48, 3),
    nn.BatchNorm2d(48),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(48, 4),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, epochs=8, steps_per_epoch=len(train_loader)
)
for epoch in range(8):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
