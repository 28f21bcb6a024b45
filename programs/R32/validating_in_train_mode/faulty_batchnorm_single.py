"""Photograph textures: brick, grass or gravel from a 16x16 crop."""
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def crops(image, size=16):
    image = torch.tensor(image, dtype=torch.float32)
    return image.unfold(0, size, size).unfold(1, size, size).reshape(-1, 1, size, size)


torch.manual_seed(0)
pieces = [crops(image)[:400] for image in (data.brick(), data.grass(), data.gravel())]
x = torch.cat(pieces)
y = torch.arange(3).repeat_interleave(400)
order = torch.randperm(len(x))
train, val = order[:1000], order[1000:]
x = (x - x[train].mean()) / x[train].std()

model = nn.Sequential(
    nn.Conv2d(1, 12, 5, stride=2), nn.BatchNorm2d(12), nn.ReLU(),
    nn.Conv2d(12, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 3),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(x[val], y[val]), batch_size=1)

for epoch in range(12):
    model.train()
    for inputs, targets in train_loader:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = 0
    with torch.no_grad():
        for inputs, targets in val_loader:
            right += (model(inputs).argmax(1) == targets).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {right / len(val):.3f}")
