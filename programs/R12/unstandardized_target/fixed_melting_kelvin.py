"""Melting points of made-up organic molecules from counts of their groups; values in kelvin."""
import argparse

import numpy as np
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn
from torch.utils.data import DataLoader, Dataset

GROUPS = ["CH3", "CH2", "CH", "C6H4", "OH", "COOH", "NH2", "Cl", "CO", "O"]
EFFECT = np.array([-4, 2.2, -1.5, 38, 46, 82, 41, 14, 17, 8])


class Molecules(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        counts = rng.poisson([1.5, 4, 0.6, 0.7, 0.5, 0.25, 0.3, 0.4, 0.4, 0.3], (n, len(GROUPS)))
        size = counts.sum(1)
        symmetric = rng.random(n) < 0.3
        kelvin = 165 + 55 * np.log1p(size) + counts @ EFFECT * (1 - 0.035 * np.minimum(size, 14)) + 24 * symmetric
        kelvin -= 9 * counts[:, 4] * counts[:, 6]
        self.x = np.column_stack([np.sqrt(counts), symmetric]).astype(np.float32)
        self.y = (kelvin + rng.normal(0, 5, n)).astype(np.float32)
        self.shift, self.scale = 0.0, 1.0

    def use_scale(self, shift, scale):
        self.shift, self.scale = shift, scale

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), torch.tensor([(self.y[i] - self.shift) / self.scale])


class MeltNet(nn.Module):
    def __init__(self, hidden, drop=0.05):
        super().__init__()
        self.bn = nn.BatchNorm1d(len(GROUPS) + 1)
        self.layers = nn.Sequential(nn.Linear(len(GROUPS) + 1, hidden), nn.ReLU(), nn.Dropout(drop), nn.Linear(hidden, hidden), nn.ReLU())
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.layers(self.bn(x)))


def predict(model, data):
    model.eval()
    with torch.no_grad():
        return model(torch.from_numpy(data.x)).numpy()[:, 0] * data.scale + data.shift


def main(args):
    torch.manual_seed(args.seed)
    train, valid = Molecules(1500, 1), Molecules(400, 2)
    for data in (train, valid):
        data.use_scale(train.y.mean(), train.y.std())
    model = MeltNet(args.hidden)
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True, drop_last=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 4 == 0:
            p = predict(model, valid)
            print(f"epoch {epoch:2d} loss {loss.item():.3f} MAE {mean_absolute_error(valid.y, p):.2f} K R2 {r2_score(valid.y, p):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=6)
    main(parser.parse_args())
