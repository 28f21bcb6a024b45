"""Gravel is rare among the grass tiles."""
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


def tiles(image):
    cut = torch.tensor(image).unfold(0, 12, 12).unfold(1, 12, 12).reshape(-1, 1, 12, 12).float()
    return cut[torch.randperm(len(cut))]


grass, gravel = tiles(data.grass()), tiles(data.gravel())
train_x = torch.cat([grass[:1000], gravel[:50]])
train_y = torch.cat([torch.zeros(1000), torch.ones(50)]).long()
val_x = torch.cat([grass[1000:1700], gravel[1000:1035]])
val_y = torch.cat([torch.zeros(700), torch.ones(35)]).long()
mean, std = train_x.mean(), train_x.std()
train_x, val_x = (train_x - mean) / std, (val_x - mean) / std

loader = DataLoader(TensorDataset(train_x, train_y), batch_size=35, shuffle=True)
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(),
                      nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(10):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        predicted = model(val_x).argmax(1)
    recall = [(predicted[val_y == c] == c).float().mean().item() for c in (0, 1)]
    print(f"epoch {epoch}: loss {loss.item():.3f} recall {recall} balanced accuracy {sum(recall) / 2:.3f}")
