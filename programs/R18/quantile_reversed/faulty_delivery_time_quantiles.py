"""
Delivery time promise: predict the 10 %, 50 % and 90 % quantile of the
door-to-door minutes, the app shows the interval between the outer two.
"""
import logging

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("eta")
import sys
log.handlers = [logging.StreamHandler(sys.stdout)]
log.propagate = False

QUANTILES = (0.1, 0.5, 0.9)


def orders(n, seed):
    rng = np.random.default_rng(seed)
    distance = rng.gamma(2.5, 1.3, n)
    items = rng.poisson(2.2, n) + 1
    hour = rng.choice(np.arange(10, 23), n)
    rain = (rng.random(n) < 0.2).astype(float)
    load = np.clip(rng.normal(0.5 + 0.3 * np.isin(hour, (12, 13, 18, 19, 20)), 0.15), 0, 1.3)
    mean = 9 + 3.1 * distance + 1.1 * items + 12 * load + 5 * rain * distance / 3
    spread = 1.5 + 0.8 * distance + 5 * load
    minutes = mean + spread * (rng.gamma(2.0, 1.0, n) - 2.0)
    X = np.column_stack([distance, items, np.sin(hour / 24 * 6.28), np.cos(hour / 24 * 6.28), rain, load])
    return X.astype(np.float32), minutes.astype(np.float32)


class QuantileNet(nn.Module):
    def __init__(self, n_features, hidden=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_features, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.heads = nn.ModuleList([nn.Linear(hidden, 1) for _ in QUANTILES])

    def forward(self, x):
        h = self.trunk(x)
        return torch.cat([head(h) for head in self.heads], dim=1)


class PinballLoss(nn.Module):
    def __init__(self, quantiles):
        super().__init__()
        self.register_buffer("q", torch.tensor(quantiles))

    def forward(self, pred, target):
        error = pred - target.unsqueeze(1)
        return torch.maximum(self.q * error, (self.q - 1) * error).mean()


class ETATrainer:
    def __init__(self, lr=2e-3, epochs=15, batch_size=64):
        torch.manual_seed(8)
        self.epochs = epochs
        X, y = orders(4000, 0)
        Xt, yt = orders(1000, 1)
        self.mu, self.sd = X.mean(0), X.std(0)
        self.y_mu, self.y_sd = y.mean(), y.std()
        self.loader = DataLoader(
            TensorDataset(torch.tensor((X - self.mu) / self.sd), torch.tensor((y - self.y_mu) / self.y_sd)),
            batch_size=batch_size, shuffle=True)
        self.X_test, self.y_test = torch.tensor((Xt - self.mu) / self.sd), yt
        self.model = QuantileNet(X.shape[1])
        self.criterion = PinballLoss(QUANTILES)
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=lr, weight_decay=1e-4)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)

    def evaluate(self):
        self.model.eval()
        with torch.no_grad():
            q = self.model(self.X_test).numpy() * self.y_sd + self.y_mu
        low, mid, high = q[:, 0], q[:, 1], q[:, 2]
        coverage = np.mean((self.y_test >= low) & (self.y_test <= high))
        return np.abs(mid - self.y_test).mean(), coverage, np.mean(high - low)

    def run(self):
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            losses = []
            for xb, yb in self.loader:
                self.opt.zero_grad()
                loss = self.criterion(self.model(xb), yb)
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            self.sched.step()
            mae, coverage, width = self.evaluate()
            log.info("epoch %2d pinball %.4f | median MAE %.2f min | interval width %.2f | coverage %.3f",
                     epoch, np.mean(losses), mae, width, coverage)


if __name__ == "__main__":
    ETATrainer().run()
