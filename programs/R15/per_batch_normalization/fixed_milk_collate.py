"""Fat content of milk samples from near-infrared absorbances."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class MilkScans(Dataset):
    def __init__(self, farms, per_farm, seed):
        rng = np.random.default_rng(seed)
        wave = np.linspace(0, 1, 40)
        rows, fats = [], []
        for _ in range(farms):
            breed = rng.normal(4.0, 0.9)
            for _ in range(per_farm):
                fat = max(0.3, breed + rng.normal(0, 0.35))
                protein, water = rng.normal(3.3, 0.3), rng.normal(87, 1.0)
                scan = 0.11 * fat * np.exp(-((wave - 0.3) / 0.08) ** 2) + 0.06 * fat * np.exp(-((wave - 0.75) / 0.05) ** 2)
                scan += 0.08 * protein * np.exp(-((wave - 0.55) / 0.09) ** 2) + 0.004 * water * wave
                scan = np.sqrt(scan + 0.05) + 0.04 * rng.random() + rng.normal(0, 0.008, 40)
                rows.append(scan)
                fats.append(fat)
        self.scans = torch.tensor(np.array(rows), dtype=torch.float32)
        self.fat = torch.tensor(fats, dtype=torch.float32)

    def __len__(self):
        return len(self.fat)

    def __getitem__(self, i):
        return self.scans[i], self.fat[i]


class Collate:
    def __init__(self, mean=None, std=None):
        self.mean, self.std = mean, std

    def __call__(self, rows):
        x, y = (torch.stack(part) for part in zip(*rows))
        mean = x.mean(dim=0) if self.mean is None else self.mean
        std = x.std(dim=0) if self.std is None else self.std
        return (x - mean) / std, y


def rmse(model, loader):
    model.eval()
    with torch.no_grad():
        err = torch.cat([model(x).squeeze(1) - y for x, y in loader])
    return err.square().mean().sqrt().item()


torch.manual_seed(24)
train, valid = MilkScans(60, 24, 0), MilkScans(20, 24, 1)
collate = Collate(train.scans.mean(dim=0), train.scans.std(dim=0))
train_loader = DataLoader(train, batch_size=48, shuffle=True, collate_fn=collate)
valid_loader = DataLoader(valid, batch_size=24, collate_fn=collate)
model = nn.Sequential(nn.Linear(40, 64), nn.GELU(), nn.Dropout(0.05), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))
nn.init.constant_(model[-1].bias, train.fat.mean().item())
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30, eta_min=1e-5)
for epoch in range(30):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.huber_loss(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 6 == 5:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, RMSE train {rmse(model, train_loader):.3f}, new farms {rmse(model, valid_loader):.3f} % fat")
print(f"spread of the fat content on the new farms: {valid.fat.std():.3f}")
