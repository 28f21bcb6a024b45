"""Parcel scanner: one backbone, two heads (damage class, volume in litres)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

DAMAGE = ("none", "dent", "tear", "wet")


class ParcelScans(Dataset):
    """28x28 depth map; the volume follows from the depth, damage on the surface."""

    def __init__(self, n=1600, seed=5):
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[:28, :28]
        self.items = []
        for _ in range(n):
            w, h, z = rng.integers(10, 24), rng.integers(10, 24), rng.uniform(0.3, 1.0)
            y0, x0 = rng.integers(1, 28 - h), rng.integers(1, 28 - w)
            box = (yy >= y0) & (yy < y0 + h) & (xx >= x0) & (xx < x0 + w)
            depth = np.where(box, z, 0.0)
            dmg = rng.integers(0, 4)
            cy, cx = rng.integers(y0 + 3, y0 + h - 3), rng.integers(x0 + 3, x0 + w - 3)
            d2 = (yy - cy) ** 2 + (xx - cx) ** 2
            if dmg == 1:
                depth -= box * 0.28 * np.exp(-d2 / 8)
            elif dmg == 2:
                k = rng.choice([-1, 1])
                depth -= box * 0.3 * ((np.abs(yy - cy + k * (xx - cx)) < 1) & (d2 < 36))
            elif dmg == 3:
                depth += box * (d2 < 30) * rng.normal(0, 0.12, depth.shape)
            depth = depth + rng.normal(0, 0.03, depth.shape)
            litres = w * h * z * 0.055 * rng.normal(1, 0.06)
            self.items.append((depth.astype(np.float32)[None], int(dmg), np.float32(litres)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class ScanNet(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(c, 2 * c, 3, padding=1), nn.BatchNorm2d(2 * c), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(2 * c, 2 * c, 3, padding=1), nn.BatchNorm2d(2 * c), nn.ReLU(),
        )
        self.damage = nn.Sequential(nn.Linear(4 * c, 32), nn.ReLU(), nn.Linear(32, len(DAMAGE)))
        self.volume = nn.Sequential(nn.Linear(4 * c, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        h = self.backbone(x)
        h = torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1)
        return self.damage(h), self.volume(h).squeeze(1)


def validate(model, loader, v_mean, v_std):
    model.eval()
    hit = n = 0
    err = []
    with torch.no_grad():
        for x, d, vol in loader:
            logits, v = model(x)
            hit += (logits.argmax(1) == d).sum().item()
            err.append((v * v_std + v_mean - vol).abs())
            n += len(d)
    return hit / n, torch.cat(err).mean().item()


def main():
    torch.manual_seed(8)
    torch.set_num_threads(1)
    train_set, val_set = random_split(ParcelScans(), [1300, 300])
    litres = torch.tensor([float(train_set[i][2]) for i in range(len(train_set))])
    v_mean, v_std = litres.mean(), litres.std()
    train = DataLoader(train_set, batch_size=32, shuffle=True)
    val = DataLoader(val_set, batch_size=150)

    model = ScanNet()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=10)
    ce, l2 = nn.CrossEntropyLoss(), nn.MSELoss()
    for epoch in range(10):
        model.train()
        log = np.zeros(2)
        for x, d, vol in train:
            logits, v = model(x)
            loss_d = ce(logits, d)
            loss_v = l2(v * v_std + v_mean, vol)
            loss = loss_d + loss_v
            opt.zero_grad()
            loss.backward()
            opt.step()
            log += loss_d.item(), loss_v.item()
        sched.step()
        log /= len(train)
        acc, mae = validate(model, val, v_mean, v_std)
        print(f"epoch {epoch}: damage loss {log[0]:.3f} volume loss {log[1]:.3f} | val damage acc {acc:.4f} volume MAE {mae:.2f} l")


if __name__ == "__main__":
    main()
