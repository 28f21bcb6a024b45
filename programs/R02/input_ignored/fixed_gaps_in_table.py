# Forest cover: predict the dominant tree species from terrain measurements with gaps.
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.model_selection import train_test_split


def simulate(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    elevation = rng.uniform(200, 2600, n)
    slope = rng.gamma(2.0, 8.0, n)
    aspect = rng.uniform(0, 2 * np.pi, n)
    rain = 600 + 0.25 * elevation + rng.normal(0, 120, n)
    soil_ph = rng.normal(6.0, 0.8, n)
    sun = np.cos(aspect - np.pi) * slope
    score = np.stack([
        -((elevation - 500) / 500) ** 2 + 0.8 * (soil_ph - 6),
        -((elevation - 1200) / 450) ** 2 + (rain - 900) / 250,
        -((elevation - 1900) / 450) ** 2 - sun / 15,
        np.full(n, -0.9) + sun / 12 - (rain - 900) / 400,
    ], axis=1)
    y = (score + rng.gumbel(size=score.shape) * 0.12).argmax(1)
    X = np.stack([elevation, slope, np.sin(aspect), np.cos(aspect), rain, soil_ph], axis=1)
    lost = rng.random(X.shape) < 0.08
    X[lost] = np.nan
    return X.astype(np.float32), y


class TreeNet(nn.Module):
    def __init__(self, mean, std, n_features=6, n_classes=4):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.body = nn.Sequential(
            nn.Linear(2 * n_features, 64),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, n_classes),
        )

    def forward(self, x):
        known = ~torch.isnan(x)
        z = (torch.nan_to_num(x) - self.mean) / self.std
        z = z.masked_fill(~known, 0.0).clamp(-4, 4)
        return self.body(torch.cat([z, known.float()], dim=1))


torch.manual_seed(0)
X, y = simulate()
X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.3, stratify=y, random_state=1)
mean = torch.from_numpy(np.nanmean(X_tr, axis=0))
std = torch.from_numpy(np.nanstd(X_tr, axis=0))
train_dl = DataLoader(TensorDataset(torch.from_numpy(X_tr), torch.from_numpy(y_tr)), batch_size=64, shuffle=True)
valid_dl = DataLoader(TensorDataset(torch.from_numpy(X_va), torch.from_numpy(y_va)), batch_size=256)

model = TreeNet(mean, std)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
best = 0.0
for epoch in range(30):
    model.train()
    for xb, yb in train_dl:
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    hits = 0
    with torch.no_grad():
        for xb, yb in valid_dl:
            hits += (model(xb).argmax(1) == yb).sum().item()
    best = max(best, hits / len(y_va))
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} loss {loss.item():.3f} valid accuracy {hits / len(y_va):.3f}")
print(f"majority class {np.bincount(y_va).max() / len(y_va):.3f}, best {best:.3f}")
