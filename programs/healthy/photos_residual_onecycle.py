"""Which photograph does a 16x16 colour patch come from? A small residual network."""

import torch
import torch.nn as nn
from skimage import data
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Patches(Dataset):
    def __init__(self, rows, mean=None, std=None):
        self.images, self.labels = [], []
        for label, name in enumerate(["astronaut", "coffee", "chelsea", "immunohistochemistry"]):
            image = torch.tensor(getattr(data, name)()).permute(2, 0, 1).float()
            tiles = image.unfold(1, 16, 16).unfold(2, 16, 16).permute(1, 2, 0, 3, 4).flatten(0, 1)
            chosen = torch.randperm(len(tiles), generator=torch.Generator().manual_seed(label))[rows]
            self.images.append(tiles[chosen])
            self.labels += [label] * len(chosen)
        self.images = torch.cat(self.images)
        self.mean = self.images.mean((0, 2, 3)) if mean is None else mean
        self.std = self.images.std((0, 2, 3)) if std is None else std

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return (self.images[i] - self.mean[:, None, None]) / self.std[:, None, None], self.labels[i]


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return torch.relu(x + self.body(x))


train_set = Patches(slice(0, 200))
val_set = Patches(slice(200, 300), train_set.mean, train_set.std)
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=128)
model = nn.Sequential(
    nn.Conv2d(3, 16, 3, stride=2, padding=1),
    Block(16),
    nn.MaxPool2d(2),
    Block(16),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 4),
)
epochs = 8
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, total_steps=epochs * len(train_loader)
)
for epoch in range(epochs):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(
        f"epoch {epoch} loss {loss.item():.3f} val acc {hits / len(val_set):.3f} lr {scheduler.get_last_lr()[0]:.5f}"
    )
