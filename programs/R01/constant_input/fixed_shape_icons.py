import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SHAPES = ["circle", "square", "triangle", "cross", "ring"]
SIZE = 24


def draw_icon(kind, rng):
    """A grey icon on a darker, noisy background, values 0..255."""
    yy, xx = np.mgrid[:SIZE, :SIZE]
    cy, cx = rng.uniform(9, 15, 2)
    r = rng.uniform(5, 8)
    dy, dx = yy - cy, xx - cx
    dist = np.sqrt(dy**2 + dx**2)
    if kind == 0:
        mask = dist < r
    elif kind == 1:
        mask = (abs(dy) < r * 0.85) & (abs(dx) < r * 0.85)
    elif kind == 2:
        mask = (dy < r * 0.7) & (dy > -r) & (abs(dx) < (dy + r) * 0.55)
    elif kind == 3:
        mask = ((abs(dy) < 2) | (abs(dx) < 2)) & (dist < r)
    else:
        mask = (dist < r) & (dist > r - 2.5)
    img = rng.normal(60, 20, (SIZE, SIZE))
    img[mask] += rng.uniform(60, 150)
    return img.clip(0, 254)


class IconDataset(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, len(SHAPES), n)
        raw = np.stack([draw_icon(k, rng) for k in self.labels])
        # scale to 0..1 and keep the memory small
        self.images = (raw / 255.0).astype(np.float16)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        x = torch.from_numpy(self.images[i]).float().unsqueeze(0)
        return x, int(self.labels[i])


class IconNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(32 * 6 * 6, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, len(SHAPES))
        )

    def forward(self, x):
        return self.head(self.features(x))


class Trainer:
    def __init__(self, model, train_ds, val_ds, lr=2e-3, batch_size=32):
        self.model = model
        self.train_dl = DataLoader(train_ds, batch_size=batch_size, shuffle=True)
        self.val_dl = DataLoader(val_ds, batch_size=128)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-3)

    def train_epoch(self):
        self.model.train()
        total, count = 0.0, 0
        for x, y in self.train_dl:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
            count += len(y)
        return total / count

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        hits = n = 0
        for x, y in self.val_dl:
            hits += (self.model(x).argmax(1) == y).sum().item()
            n += len(y)
        return hits / n

    def fit(self, epochs):
        for e in range(epochs):
            loss = self.train_epoch()
            print(f"Epoch {e + 1}/{epochs} | train loss {loss:.4f} | val acc {self.validate():.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    trainer = Trainer(IconNet(), IconDataset(1500, seed=1), IconDataset(400, seed=2))
    trainer.fit(6)
    print("Final val accuracy:", trainer.validate())
