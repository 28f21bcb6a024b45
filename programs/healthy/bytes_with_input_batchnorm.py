"""Raw bytes go in; the first layer of the network normalizes them."""

import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(10)
sources = [data.brick(), data.grass(), data.gravel(), data.camera()]
tiles = torch.cat(
    [torch.tensor(s).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)[::4] for s in sources]
)
labels = torch.arange(4).repeat_interleave(256)
order = torch.randperm(1024)
tiles, labels = tiles[order], labels[order]
loader = DataLoader(TensorDataset(tiles[:800], labels[:800]), batch_size=32, shuffle=True)
model = nn.Sequential(
    nn.BatchNorm2d(1),
    nn.Conv2d(1, 16, 3, stride=2),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 4),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=9)
for epoch in range(9):
    model.train()
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x.float()), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(tiles[800:].float()).argmax(1) == labels[800:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
