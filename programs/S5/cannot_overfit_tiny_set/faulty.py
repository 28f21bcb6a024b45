"""Handwritten digits by a CNN with a cosine classifier: logits are cosines of features and class directions."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(labels)
order = torch.randperm(len(x))
train, test = order[:1300], order[1300:]
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=64, shuffle=True)


class CosineClassifier(nn.Module):
    def __init__(self, features, classes, scale=1.0):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(classes, features) * 0.1), scale

    def forward(self, x):
        return self.scale * F.linear(F.normalize(x, dim=1), F.normalize(self.weight, dim=1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64), nn.GELU()
        )
        self.head = CosineClassifier(64, 10)

    def forward(self, x):
        return self.head(self.body(x))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    for xb, yb in loader:
        loss = F.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        test_loss = F.cross_entropy(model(x[test]), y[test]).item()
    print(f"epoch {epoch + 1}: train loss {loss.item():.3f} test loss {test_loss:.4f}")
