"""Demand bands for a bike sharing station (simulated year), quantiles 10/50/90 in one network."""
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn


@dataclass
class Config:
    quantiles: list = field(default_factory=lambda: [0.1, 0.5, 0.9])
    hidden: int = 48
    lr: float = 4e-3
    batch_size: int = 128
    epochs: int = 24
    seed: int = 21


def simulate(days: int, rng: np.random.Generator):
    hours = np.arange(days * 24)
    hour, day = hours % 24, hours // 24
    weekend = (day % 7 >= 5).astype(float)
    temperature = 12 + 10 * np.sin(2 * np.pi * (day - 100) / 365) + 3 * np.sin(2 * np.pi * (hour - 9) / 24)
    temperature += np.repeat(rng.normal(0, 3, days), 24)
    rain = np.repeat(rng.random(days) < 0.3, 24) * rng.gamma(1.0, 1.0, len(hours))
    commute = np.exp(-((hour - 8) ** 2) / 4) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 20)
    rate = (1 - weekend) * 60 * commute + (0.4 + weekend) * 35 * leisure
    rate = rate * np.clip(0.3 + temperature / 25, 0.1, 1.4) * np.exp(-0.4 * rain) + 1
    noise = rng.gamma(3.0, 1 / 3.0, len(hours))
    x = np.stack(
        [np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24), np.sin(4 * np.pi * hour / 24),
         np.cos(4 * np.pi * hour / 24), weekend, (temperature - 12) / 10, rain], axis=1)
    return x.astype(np.float32), (rate * noise).astype(np.float32)


class QuantileLoss(nn.Module):
    def __init__(self, quantiles):
        super().__init__()
        self.register_buffer("q", torch.tensor(quantiles))

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        errors = target.unsqueeze(1) - preds
        return torch.max((self.q - 1) * errors, self.q * errors).sum(dim=1).mean()


class QuantileMLP(nn.Module):
    def __init__(self, cfg: Config, n_features: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_features, cfg.hidden), nn.SiLU(), nn.Linear(cfg.hidden, cfg.hidden), nn.SiLU())
        self.out = nn.Linear(cfg.hidden, len(cfg.quantiles))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.body(x))


def main(cfg: Config) -> None:
    rng = np.random.default_rng(cfg.seed)
    torch.manual_seed(cfg.seed)
    x, y = simulate(365, rng)
    scale = 40.0
    cut = len(x)
    x_new, y_new = simulate(365, rng)
    X, Y = torch.from_numpy(x), torch.from_numpy(y) / scale
    model, criterion = QuantileMLP(cfg, X.shape[1]), QuantileLoss(cfg.quantiles)
    optimizer = torch.optim.NAdam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        order = torch.from_numpy(rng.permutation(cut))
        losses = []
        for rows in order.split(cfg.batch_size):
            optimizer.zero_grad()
            loss = criterion(model(X[rows]), Y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 6 == 5:
            print(f"epoch {epoch + 1}: pinball {np.mean(losses):.4f}")
    with torch.no_grad():
        low, mid, high = (model(torch.from_numpy(x_new)) * scale).numpy().T
    for q, band in zip(cfg.quantiles, (low, mid, high)):
        print(f"q={q}: share of hours below {np.mean(y_new <= band):.3f}")
    print(f"inside 80% band {np.mean((y_new >= low) & (y_new <= high)):.3f}")


if __name__ == "__main__":
    main(Config())
