import numpy as np
import torch
from torch import nn

SEED = 21
torch.manual_seed(SEED)


COLUMNS = ["sqft", "lot", "year", "rooms", "crime", "school", "distance_m"]


def housing(n=3000):
    rng = np.random.default_rng(SEED)
    d = {
        "sqft": rng.normal(1800, 500, n).clip(500),
        "lot": rng.lognormal(9.2, 0.5, n),
        "year": rng.integers(1920, 2015, n),
        "rooms": rng.integers(1, 8, n),
        "crime": rng.beta(2, 20, n),
        "school": rng.uniform(1, 10, n),
        "distance_m": rng.gamma(3, 4000, n),
    }
    price = (140 * d["sqft"] + 1.5 * d["lot"] + 900 * (d["year"] - 1950) + 9000 * d["rooms"] - 700_000 * d["crime"]
             + 14_000 * d["school"] * (d["distance_m"] < 12000) + 60_000 * np.exp(-d["distance_m"] / 6000))
    return d, price + rng.normal(0, 12_000, n)


table, price = housing()
target = (price - price.mean()) / price.std()
features = np.stack([table[c] for c in COLUMNS], axis=1).astype(np.float32)
cut = int(0.8 * len(features))
xtr, xte = features[:cut], features[cut:]
xtr, xte = torch.tensor(xtr), torch.tensor(xte)
ytr, yte = torch.tensor(target[:cut], dtype=torch.float32), torch.tensor(target[cut:], dtype=torch.float32)

model = nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=8, factor=0.5)
mse = nn.MSELoss()

for epoch in range(1, 61):
    order = torch.randperm(cut)
    epoch_loss = 0.0
    model.train()
    for i in range(0, cut, 64):
        b = order[i:i + 64]
        pred = model(xtr[b]).squeeze(1)
        loss = mse(pred, ytr[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(b)
    scheduler.step(epoch_loss / cut)
    if epoch % 5 == 0:
        model.eval()
        with torch.no_grad():
            p = model(xte).squeeze(1)
            r2 = 1 - ((p - yte) ** 2).mean() / yte.var()
        print(f"epoch {epoch:3d}  train mse {epoch_loss / cut:10.4f}  test r2 {r2.item():.4f}")
