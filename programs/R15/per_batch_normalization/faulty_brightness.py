"""Patches of three photographs; contrast is normalized before the network sees them."""
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
photos = [data.brick(), data.moon(), data.gravel()]
tiles = torch.cat([torch.tensor(p).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)[::4].float() for p in photos])
labels = torch.arange(3).repeat_interleave(256)
order = torch.randperm(768)
tiles, labels = tiles[order], labels[order]
train_loader = DataLoader(TensorDataset(tiles[:560], labels[:560]), batch_size=16, shuffle=True)
val_loader = DataLoader(TensorDataset(tiles[560:], labels[560:]), batch_size=1)


def normalize(x):
    return (x - x.mean()) / x.std()


model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                      nn.Flatten(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(9):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(normalize(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(normalize(x)).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {hits / 208:.3f}")
