import numpy as np
import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(10)
W = 16


def load_patches(n, seed, lo, hi):
    rng = np.random.default_rng(seed)
    classes = [skimage.data.brick(), skimage.data.grass(), skimage.data.gravel(), skimage.data.coins(), skimage.data.page()]
    x, y = [], []
    for k, im in enumerate(classes):
        for _ in range(n):
            r = rng.integers(0, im.shape[0] - W)
            c = rng.integers(int(lo * im.shape[1]), int(hi * im.shape[1]) - W)
            patch = im[r:r + W, c:c + W].astype(np.float32)
            x.append((patch - patch.mean()) / 60.0)
            y.append(k)
    return torch.tensor(np.stack(x))[:, None], torch.tensor(y)


class Residual(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(ch, ch, 3, padding=1, bias=False), nn.BatchNorm2d(ch), nn.ReLU(),
                               nn.Conv2d(ch, ch, 3, padding=1, bias=False), nn.BatchNorm2d(ch))

    def forward(self, x):
        return torch.relu(x + self.f(x))


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), Residual(16), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), Residual(32), nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 5))


def train_one_epoch(model, loader, optimizer, scheduler):
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


@torch.no_grad()
def validate(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


train_x, train_y = load_patches(240, 0, 0.0, 0.6)
val_x, val_y = load_patches(80, 1, 0.6, 1.0)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=40, shuffle=True)
model = build()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)
for epoch in range(12):
    loss = train_one_epoch(model, loader, optimizer, scheduler)
    print(f"epoch {epoch} loss {loss:.4f} lr {scheduler.get_last_lr()[0]:.2e} val_acc {validate(model, val_x, val_y):.4f}")
