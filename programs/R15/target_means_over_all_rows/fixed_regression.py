"""Delivery times by postcode: the mean time of each postcode is one of the inputs, drawn towards the overall mean."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
rng = np.random.default_rng(1)
PARCELS, POSTCODES, STRENGTH = 1600, 250, 3.0


class PostcodeMean:
    def fit(self, codes, minutes):
        self.overall = minutes.mean()
        count, total = np.bincount(codes, minlength=POSTCODES), np.bincount(codes, minutes, minlength=POSTCODES)
        self.means = (total + STRENGTH * self.overall) / (count + STRENGTH)
        return self

    def transform(self, codes):
        return self.means[codes]


code = rng.integers(0, POSTCODES, PARCELS)
distance, weight, stops = rng.gamma(3, 4, PARCELS), rng.gamma(2, 3, PARCELS), rng.integers(5, 40, PARCELS)
minutes = 20 + 1.5 * distance + 0.8 * stops + 3 * rng.normal(size=POSTCODES)[code] + 10 * rng.normal(size=PARCELS)
order = rng.permutation(PARCELS)
train, val = order[:1100], order[1100:]
encoder = PostcodeMean().fit(code[train], minutes[train])
x = np.column_stack([distance, weight, stops, encoder.transform(code)])
x = torch.from_numpy((x - x[train].mean(0)) / x[train].std(0)).float()
y = torch.from_numpy((minutes - minutes[train].mean()) / minutes[train].std()).float()[:, None]
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(x[val], y[val]), batch_size=250)

model = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(25):
    model.train()
    for xb, yb in loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = sum(nn.functional.mse_loss(model(xb), yb).item() * len(xb) for xb, yb in val_loader) / len(val)
    print(f"epoch {epoch}: train loss {loss.item():.3f}, validation mse {val_loss:.3f}")
