"""Handwritten digits by a residual network whose blocks round their features to a few levels (straight-through)."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class Rounded(nn.Module):
    """Features on a grid; the gradient goes through as if they were not."""

    def __init__(self, width):
        super().__init__()
        self.width = width

    def forward(self, x):
        return x + (torch.round(x / self.width) * self.width - x).detach()


class Block(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), Rounded(width), nn.ReLU()
        )

    def forward(self, x):
        return x + self.body(x)


def network(width=8.0):
    blocks = [Block(16, width) for _ in range(2)]
    head = [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)]
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), Rounded(width), *blocks, *head)


images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1, torch.tensor(labels)
torch.manual_seed(17)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]
model = network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(6):
    model.train()
    for rows in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
