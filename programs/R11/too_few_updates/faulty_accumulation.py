"""Small batches, gradients accumulated to a larger effective batch."""
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
tiles = [torch.tensor(i()).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float()[::4]
         for i in (data.brick, data.grass, data.gravel, data.camera)]
x, y = torch.cat(tiles), torch.arange(4).repeat_interleave(256)
order = torch.randperm(len(x))
train, val = order[:800], order[800:]
x = (x - x[train].mean()) / x[train].std()
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=16, shuffle=True)

accumulate = 50
model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.GroupNorm(4, 16), nn.ReLU(), nn.Conv2d(16, 32, 3),
                      nn.GroupNorm(4, 32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for i, (xb, yb) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(xb), yb)
        (loss / accumulate).backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
