"""Kinds of coloured shapes on busy backgrounds: a dataset of channel-last pictures, as image libraries give them, and a small CNN."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIZE = 32
ys, xs = np.mgrid[:SIZE, :SIZE]


def picture(kind, rng):
    image = rng.uniform(0, 120, 3) + rng.normal(0, 20, (SIZE, SIZE, 3))
    cy, cx, r = rng.uniform(8, 24), rng.uniform(8, 24), rng.uniform(5, 8)
    dx, dy = np.abs(xs - cx) / r, np.abs(ys - cy) / r
    inside = [np.maximum(dx, dy) < 0.9, dx ** 2 + dy ** 2 < 1, dx + dy < 1.2, (dx < 0.35) & (dy < 1) | (dy < 0.35) & (dx < 1)][kind]
    image[inside] = rng.uniform(110, 255, 3) + rng.normal(0, 20, (inside.sum(), 3))
    return image.clip(0, 255).astype(np.uint8)


class Shapes(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(4, size=count)
        self.images = np.stack([picture(label, rng) for label in self.labels])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index]).float().div(255)
        image = image.view(3, SIZE, SIZE)
        return (image - 0.35) / 0.25, int(self.labels[index])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.fc = nn.Linear(32 * 4, 4)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


torch.manual_seed(0)
train_loader = DataLoader(Shapes(1500, 0), batch_size=50, shuffle=True)
test_loader = DataLoader(Shapes(400, 1), batch_size=200)
model = Net().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for images, labels in train_loader:
        loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(images.to(device)).argmax(1).cpu() == labels).sum().item() for images, labels in test_loader)
    print(f"epoch {epoch + 1} loss {loss.item():.3f} test accuracy {correct / len(test_loader.dataset):.3f}")
