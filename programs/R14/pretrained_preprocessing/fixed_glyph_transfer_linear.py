"""
Transfer learning for stamped serial glyphs.
Step 1 (once): pretrain the backbone on printed digits, save a checkpoint.
Step 2: load the checkpoint, freeze the conv part, train a new head on the stamped glyphs.
"""
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, TensorDataset

PRE_MEAN, PRE_STD = 0.305, 0.376     # of the pretraining images
CLASSES = ["0", "2", "3", "5", "8", "A"]


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.fc = nn.Linear(48 * 4, 10)

    def forward(self, x):
        return self.fc(self.features(x))


def pretrain(path):
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    x = (x - PRE_MEAN) / PRE_STD
    y = torch.tensor(digits.target)
    net = Backbone()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    for _ in range(5):
        net.train()
        for xb, yb in loader:
            opt.zero_grad()
            nn.functional.cross_entropy(net(xb), yb).backward()
            opt.step()
    torch.save(net.state_dict(), path)


def stamped_glyphs(n, seed):
    """Small photos of stamped characters, uint8."""
    font = {
        "0": "01110 10001 10001 10001 10001 10001 01110", "2": "01110 10001 00001 00110 01000 10000 11111",
        "3": "11110 00001 00001 01110 00001 00001 11110", "5": "11111 10000 11110 00001 00001 10001 01110",
        "8": "01110 10001 10001 01110 10001 10001 01110", "A": "01110 10001 10001 11111 10001 10001 10001",
    }
    rng = np.random.default_rng(seed)
    photos, labels = np.zeros((n, 8, 8), np.uint8), rng.integers(0, len(CLASSES), n)
    for i, c in enumerate(labels):
        bitmap = np.array([[int(b) for b in row] for row in font[CLASSES[c]].split()], float)
        canvas = np.zeros((8, 8))
        dy, dx = rng.integers(0, 2), rng.integers(0, 4)
        canvas[dy:dy + 7, dx:dx + 5] = bitmap * rng.uniform(0.5, 1.0)
        worn = rng.random((8, 8)) > 0.05
        canvas = canvas * worn + rng.normal(0.12, 0.12, (8, 8))
        photos[i] = (255 * np.clip(canvas, 0, 1)).astype(np.uint8)
    return photos, labels


class GlyphDataset(Dataset):
    def __init__(self, photos, labels):
        self.photos, self.labels = photos, labels

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, i):
        x = (torch.from_numpy(self.photos[i]).float() / 255.0 - PRE_MEAN) / PRE_STD
        return x.unsqueeze(0), int(self.labels[i])


def main():
    torch.manual_seed(17)
    ckpt = os.path.join(tempfile.mkdtemp(), "backbone.pt")
    pretrain(ckpt)

    model = Backbone()
    model.load_state_dict(torch.load(ckpt))
    for p in model.features.parameters():
        p.requires_grad = False
    model.fc = nn.Linear(48 * 4, len(CLASSES))

    train_loader = DataLoader(GlyphDataset(*stamped_glyphs(300, 1)), batch_size=32, shuffle=True)
    val_loader = DataLoader(GlyphDataset(*stamped_glyphs(400, 2)), batch_size=100)
    optimizer = torch.optim.SGD(model.fc.parameters(), lr=0.01, momentum=0.9)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(8):
        model.eval()          # keep the BN statistics of the frozen part
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
        print(f"epoch {epoch + 1}/8 - loss: {total / 300:.4f} - val acc: {hits / 400:.4f}")


if __name__ == "__main__":
    main()
