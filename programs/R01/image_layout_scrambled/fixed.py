"""Which photograph does a 16x16 colour patch come from?"""
import numpy as np
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
patches, labels = [], []
for label, name in enumerate(["astronaut", "coffee", "chelsea", "immunohistochemistry"]):
    photo = getattr(data, name)()
    h, w = photo.shape[0] // 16, photo.shape[1] // 16
    grid = photo[: h * 16, : w * 16].reshape(h, 16, w, 16, 3).swapaxes(1, 2).reshape(-1, 16, 16, 3)
    patches.append(grid[rng.permutation(len(grid))[:280]])
    labels += [label] * 280
patches, labels = np.concatenate(patches), np.array(labels)
order = rng.permutation(len(labels))
train, val = order[:840], order[840:]

x = torch.from_numpy(patches).float()
x = x.permute(0, 3, 1, 2)
y = torch.from_numpy(labels)
mean, std = x[train].mean((0, 2, 3), keepdim=True), x[train].std((0, 2, 3), keepdim=True)
x = (x - mean) / std
train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=35, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=9 * len(train_loader))
for epoch in range(9):
    model.train()
    for xb, yb in train_loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
