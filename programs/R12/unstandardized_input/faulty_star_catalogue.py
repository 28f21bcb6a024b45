"""Sort stars into dwarfs, giants, white dwarfs and supergiants from catalogue columns."""
import csv
import io

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

CLASSES = ["dwarf", "giant", "white dwarf", "supergiant"]


def write_catalogue(n=2400, seed=30):
    rng = np.random.default_rng(seed)
    out = io.StringIO()
    w = csv.writer(out)
    w.writerow(["teff_K", "parallax_mas", "flux_erg", "colour_index", "radius_km", "metallicity", "class"])
    for _ in range(n):
        k = int(rng.choice(4, p=[0.45, 0.25, 0.18, 0.12]))
        teff = [rng.normal(5600, 900), rng.normal(4600, 500), rng.normal(9500, 2200), rng.normal(5200, 1500)][k]
        teff = max(teff, 2800)
        log_radius = [np.log10(teff / 5772) * 1.3, 1.0, -1.9, 1.9][k] + rng.normal(0, 0.2)
        log_lum = 2 * log_radius + 4 * np.log10(teff / 5772)
        parallax = rng.gamma(2.0, 2.0) * [2, 0.6, 4, 0.2][k] + 0.05
        flux = 10 ** (log_lum - 8) * parallax**2 * rng.lognormal(0, 0.3)
        colour = 7000 / teff - 0.55 + rng.normal(0, 0.08)
        radius = 10 ** (log_radius + rng.normal(0, 0.25)) * 6.96e5
        w.writerow([f"{teff:.0f}", f"{parallax:.3f}", f"{flux:.3e}", f"{colour:.3f}", f"{radius:.0f}",
                    f"{rng.normal(-0.1 * k, 0.2):.2f}", CLASSES[k]])
    out.seek(0)
    return out


class Catalogue(Dataset):
    units = {"teff_K": 5772.0, "parallax_mas": 1.0, "flux_erg": 1e-8, "radius_km": 6.96e5}

    def __init__(self, handle, log=False):
        rows = list(csv.DictReader(handle))
        columns = [c for c in rows[0] if c != "class"]
        table = np.array([[float(r[c]) for c in columns] for r in rows])
        if log:
            for j, c in enumerate(columns):
                if c in self.units:
                    table[:, j] = np.log10(table[:, j] / self.units[c])
        self.x = torch.tensor(table, dtype=torch.float32)
        self.y = torch.tensor([CLASSES.index(r["class"]) for r in rows])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


torch.manual_seed(30)
stars = Catalogue(write_catalogue())
train, valid = random_split(stars, [0.75, 0.25])
train_loader = DataLoader(train, batch_size=32, shuffle=True)
valid_loader = DataLoader(valid, batch_size=300)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(15):
    model.train()
    total = 0.0
    for x, y in train_loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if (epoch + 1) % 3 == 0:
        print(f"epoch {epoch + 1}: loss {total / len(train_loader):.4f} val acc {accuracy(model, valid_loader):.4f}")
