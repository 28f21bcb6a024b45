"""Handwritten digits by a small convolutional network with a pooling layer of its own."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(33)
images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1, torch.tensor(labels)
order = torch.randperm(len(x))
train, test = order[450:], order[:450]
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=32, shuffle=True)


class Halves(nn.Module):
    """The mean of each feature in the upper and in the lower half of a picture."""

    def forward(self, x):
        upper, lower = x.chunk(2, dim=2)
        return torch.cat([half.mean(dim=(2, 3)) for half in (upper, lower)], dim=1)


model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(4),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), Halves(), nn.LazyLinear(10),
)
model(x[:2])
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
for epoch in range(10):
    model.train()
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
