"""Rain or no rain within the next hour, from small radar images; a Dataset, a collate function and a little trainer."""
from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE = 20


def radar(rng):
    field = gaussian_filter(rng.normal(size=(SIZE + 12, SIZE + 12)), 2.2) * 5
    upstream = field[6:6 + SIZE, :SIZE]
    wind = int(rng.integers(2, 7))
    arrives = field[6:6 + SIZE, 6:6 + SIZE]
    now = np.clip(arrives, 0, None) * 18 + rng.normal(0, 0.8, (SIZE, SIZE))
    earlier = np.clip(field[6:6 + SIZE, 6 + wind:6 + wind + SIZE], 0, None)[:, :SIZE]
    if earlier.shape[1] < SIZE:
        earlier = np.pad(earlier, ((0, 0), (0, SIZE - earlier.shape[1])), mode="edge")
    before = earlier * 18 + rng.normal(0, 0.8, (SIZE, SIZE))
    core = np.clip(upstream, 0, None)[8:12, max(0, 14 - wind):18 - wind + 1]
    label = float(core.mean() > 0.35)
    return np.stack([now, before]).astype(np.float32), label


class Radar(Dataset):
    def __init__(self, n, seed, mean=None, std=None, normalize=True):
        rng = np.random.default_rng(seed)
        images, labels = zip(*(radar(rng) for _ in range(n)))
        self.images = torch.from_numpy(np.stack(images))
        self.labels = torch.tensor(labels)
        self.mean = self.images.mean((0, 2, 3)) if mean is None else mean
        self.std = self.images.std((0, 2, 3)) if std is None else std
        self.normalize = normalize

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.normalize:
            image = (image - self.mean[:, None, None]) / self.std[:, None, None]
        return image, self.labels[i]


def collate(rows, mean, std, flip=False):
    x = torch.stack([r[0] for r in rows])
    y = torch.stack([r[1] for r in rows])
    x = (x - mean[:, None, None]) / std[:, None, None]
    if flip and torch.rand(()) < 0.5:
        x = x.flip(2)
    return x, y


class Net(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, c, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(c, c, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(c * 25, 48), nn.ReLU(), nn.Linear(48, 1),
        )

    def forward(self, x):
        return self.body(x)[:, 0]


def run(model, loader, opt=None):
    total = hits = n = 0
    for x, y in loader:
        with torch.set_grad_enabled(opt is not None):
            logit = model(x)
            loss = nn.functional.binary_cross_entropy_with_logits(logit, y)
        if opt:
            opt.zero_grad()
            loss.backward()
            opt.step()
        total += loss.item() * len(y)
        hits += ((logit > 0) == (y > 0.5)).sum().item()
        n += len(y)
    return total / n, hits / n


torch.manual_seed(1)
train_set = Radar(1200, 0, normalize=False)
valid_set = Radar(400, 1, mean=train_set.mean, std=train_set.std, normalize=False)
print(f"rain follows in {train_set.labels.mean():.3f} of the training images")
scale = dict(mean=train_set.mean, std=train_set.std)
train_loader = DataLoader(train_set, 40, shuffle=True, collate_fn=partial(collate, flip=True, **scale))
valid_loader = DataLoader(valid_set, 200, collate_fn=partial(collate, **scale))
model = Net()
opt = torch.optim.Adam(model.parameters(), lr=1.5e-3)
for epoch in range(14):
    model.train()
    loss, acc = run(model, train_loader, opt)
    model.eval()
    val_loss, val_acc = run(model, valid_loader)
    print(f"epoch {epoch + 1:2d} | loss {loss:.3f} acc {acc:.3f} | val_loss {val_loss:.3f} val_acc {val_acc:.3f}")
