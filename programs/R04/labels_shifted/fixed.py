"""Four textures read from a table: one row of pixels and one label per tile."""
import numpy as np
import torch
from skimage import data
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)


def tile_rows(image):
    return image.reshape(32, 16, 32, 16).swapaxes(1, 2).reshape(-1, 256)[:300]


tiles = np.concatenate([tile_rows(image) for image in (data.brick(), data.grass(), data.gravel(), data.camera())])
names = np.repeat([0, 1, 2, 3], 300)
order = rng.permutation(1200)
table = ["pixels"] + list(tiles[order])
column = ["label"] + list(names[order])

# skip the header
pixels, labels = table[1:], column[1:]
x = torch.tensor(np.array(pixels), dtype=torch.float32).reshape(-1, 1, 16, 16)
y = torch.tensor(np.array(labels))
train, val = torch.arange(900), torch.arange(900, len(x))
x = (x - x[train].mean()) / x[train].std()

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4),
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for rows in train[torch.randperm(900)].split(36):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
