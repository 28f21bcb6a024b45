"""
Course project: how many veins / spots class does the scanned leaf have?
Scans lie in one folder as scan_<id>.npy, the labels in labels.csv (id,species).
"""
import csv
import glob
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, random_split

SPECIES = ["birch", "maple", "willow", "oak"]


def draw_leaf(kind, rng, size=24):
    yy, xx = np.mgrid[-1:1:size * 1j, -1:1:size * 1j]
    ang = rng.uniform(-0.4, 0.4)
    u = xx * np.cos(ang) - yy * np.sin(ang)
    v = xx * np.sin(ang) + yy * np.cos(ang)
    r, phi = np.hypot(u, v), np.arctan2(v, u)
    s = rng.uniform(0.55, 0.75)
    if kind == 0:      # birch: small ellipse
        shape = (u / s) ** 2 + (v / (0.6 * s)) ** 2 < 1
    elif kind == 1:    # maple: five lobes
        shape = r < s * (0.75 + 0.35 * np.cos(5 * phi))
    elif kind == 2:    # willow: long and thin
        shape = (u / (1.25 * s)) ** 2 + (v / (0.25 * s)) ** 2 < 1
    else:              # oak: wavy rim
        shape = (u / s) ** 2 + (v / (0.6 * s)) ** 2 < 1 + 0.45 * np.cos(9 * phi)
    img = 0.85 - 0.5 * shape * rng.uniform(0.8, 1.2) + rng.normal(0, 0.06, shape.shape)
    return (255 * np.clip(img, 0, 1)).astype(np.uint8)


def write_folder(root, n=900):
    """The scanner software writes one file per leaf."""
    rng = np.random.default_rng(21)
    with open(os.path.join(root, "labels.csv"), "w", newline="") as fh:
        out = csv.writer(fh)
        out.writerow(["id", "species"])
        for i in range(n):
            kind = int(rng.integers(0, 4))
            np.save(os.path.join(root, f"scan_{i}.npy"), draw_leaf(kind, rng))
            out.writerow([i, SPECIES[kind]])


class LeafFolder(Dataset):
    def __init__(self, root):
        self.files = sorted(glob.glob(os.path.join(root, "scan_*.npy")))
        with open(os.path.join(root, "labels.csv")) as fh:
            self.labels = [SPECIES.index(row["species"]) for row in csv.DictReader(fh)]
        assert len(self.files) == len(self.labels)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        img = np.load(self.files[i]).astype(np.float32) / 255.0
        return torch.from_numpy((img - 0.7) / 0.25).unsqueeze(0), self.labels[i]


def conv_bn(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


model = nn.Sequential(
    conv_bn(1, 12), nn.MaxPool2d(2),
    conv_bn(12, 24), nn.MaxPool2d(2),
    conv_bn(24, 32), nn.AdaptiveAvgPool2d(1),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, len(SPECIES)),
)


def evaluate(loader):
    model.eval()
    right = count = 0
    loss = 0.0
    with torch.no_grad():
        for img, lab in loader:
            out = model(img)
            loss += nn.functional.cross_entropy(out, lab, reduction="sum").item()
            right += (out.argmax(1) == lab).sum().item()
            count += len(lab)
    return loss / count, right / count


if __name__ == "__main__":
    torch.manual_seed(3)
    for m in model.modules():
        if hasattr(m, "reset_parameters"):
            m.reset_parameters()
    with tempfile.TemporaryDirectory() as root:
        write_folder(root)
        data = LeafFolder(root)
        train_set, val_set = random_split(data, [720, 180], generator=torch.Generator().manual_seed(0))
        train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
        val_loader = DataLoader(val_set, batch_size=90)

        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
        for epoch in range(10):
            model.train()
            for img, lab in train_loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(img), lab)
                loss.backward()
                optimizer.step()
            tr_loss, tr_acc = evaluate(train_loader)
            va_loss, va_acc = evaluate(val_loader)
            print(f"epoch {epoch}: train_loss={tr_loss:.3f} train_acc={tr_acc:.3f} val_loss={va_loss:.3f} val_acc={va_acc:.3f}")
