"""Energy use of houses. The street is a category with many levels, so it enters as the mean use of its houses."""
import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STREETS, HOUSES = 100, 1400


class StreetMean:
    """Replaces a category by the mean of the target over it, drawn towards the overall mean."""

    def __init__(self, strength=5.0):
        self.strength = strength

    def fit(self, keys, values):
        self.overall = values.mean()
        self.table = {}
        for k in np.unique(keys):
            v = values[keys == k]
            self.table[k] = (v.sum() + self.strength * self.overall) / (len(v) + self.strength)
        return self

    def transform(self, keys):
        return np.array([self.table.get(k, self.overall) for k in keys])


def houses(rng):
    street = rng.integers(0, STREETS, HOUSES)
    area = rng.gamma(9, 14, HOUSES)
    people = rng.integers(1, 6, HOUSES)
    year = rng.integers(1920, 2020, HOUSES)
    heat_pump = rng.random(HOUSES) < 0.25
    use = 40 * area ** 0.8 + 420 * people + 6 * (2020 - year) - 900 * heat_pump
    use = use + 700 * rng.normal(size=STREETS)[street] + rng.normal(0, 900, HOUSES)
    return street, np.column_stack([area, people, year, heat_pump]).astype(float), use


def main(seed=5, epochs=40):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    street, numbers, use = houses(rng)
    order = rng.permutation(HOUSES)
    train, test = order[:1000], order[1000:]

    encoder = StreetMean().fit(street, use)
    columns = np.column_stack([numbers, encoder.transform(street)])
    mean, std = columns[train].mean(0), columns[train].std(0)
    x = torch.tensor((columns - mean) / std, dtype=torch.float32)
    y_mean, y_std = use[train].mean(), use[train].std()
    y = torch.tensor((use - y_mean) / y_std, dtype=torch.float32)[:, None]

    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 10 == 9:
            model.eval()
            with torch.no_grad():
                r2 = r2_score(y[test], model(x[test]))
            print(f"epoch {epoch + 1}: train mse {total / len(loader):.4f}, test R2 {r2:.4f}")


if __name__ == "__main__":
    main()
