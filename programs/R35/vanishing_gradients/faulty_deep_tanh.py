"""A deep network fits a surface in two variables."""
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.tanh(self.linear(x))


def surface(points):
    a, b = points[:, :1], points[:, 1:]
    return torch.sin(3 * a) * torch.cos(2 * b) + 0.3 * a * b


torch.manual_seed(0)
points = torch.rand(1600, 2) * 4 - 2
values = surface(points) + 0.02 * torch.randn(1600, 1)
mean, std = values[:1280].mean(), values[:1280].std()
values = (values - mean) / std
scale = points[:1280].std(0)
points = points / scale
train_x, train_y, val_x, val_y = points[:1280], values[:1280], points[1280:], values[1280:]

model = nn.Sequential(nn.Linear(2, 32), *[Block(32) for _ in range(20)], nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(14):
    model.train()
    for rows in torch.randperm(1280).split(64):
        loss = nn.functional.mse_loss(model(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        r2 = 1 - nn.functional.mse_loss(model(val_x), val_y) / val_y.var()
    print(f"epoch {epoch:2d} train mse {loss.item():.4f} val R2 {r2.item():.4f}")
