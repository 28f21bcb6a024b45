from dataclasses import dataclass

import math
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    days: int = 1500
    window: int = 24
    hidden: int = 64
    lr: float = 2e-3
    epochs: int = 12
    batch_size: int = 128


def hourly_temperature(cfg, rng):
    h = np.arange(cfg.days * 6)          # one value every four hours
    season = 10 * np.sin(2 * np.pi * h / (365 * 6))
    daily = 4 * np.sin(2 * np.pi * h / 6 + 0.4)
    ar = np.zeros(len(h))
    for i in range(1, len(h)):
        ar[i] = 0.9 * ar[i - 1] + rng.normal(0, 0.35 + 0.2 * (1 + math.sin(2 * math.pi * i / (365 * 6))))
    return (12 + season + daily + ar).astype(np.float32)


def windows(series, w):
    X = np.lib.stride_tricks.sliding_window_view(series[:-1], w)
    return torch.tensor(X.copy()), torch.tensor(series[w:].copy())


class Forecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(cfg.window, cfg.hidden), nn.SiLU(),
            nn.Linear(cfg.hidden, cfg.hidden), nn.SiLU(),
        )
        self.mean = nn.Linear(cfg.hidden, 1)
        self.log_var = nn.Linear(cfg.hidden, 1)

    def forward(self, x):
        last = x[:, -1:]
        h = self.body(x)
        mu = last + self.mean(h)
        return mu.squeeze(1), self.log_var(h).squeeze(1).clamp(-8, 4)


def nll(mu, log_var, y):
    return 0.5 * (log_var + (y - mu) ** 2 * torch.exp(-log_var)).mean()


def main():
    cfg = Config()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    series = hourly_temperature(cfg, rng)
    cut = int(0.8 * len(series))
    m, s = series[:cut].mean(), series[:cut].std()
    series = (series - m) / s
    X_tr, y_tr = windows(series[:cut], cfg.window)
    X_te, y_te = windows(series[cut:], cfg.window)
    loader = DataLoader(TensorDataset(X_tr, y_tr), batch_size=cfg.batch_size, shuffle=True)
    model = Forecaster(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=cfg.epochs)
    for epoch in range(cfg.epochs):
        model.train()
        tot = 0.0
        for x, y in loader:
            mu, lv = model(x)
            loss = nll(mu, lv, y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            tot += loss.item()
        sched.step()
        model.eval()
        with torch.no_grad():
            mu, lv = model(X_te)
            val = nll(mu, lv, y_te).item()
        print(f"epoch {epoch + 1:2d} train nll {tot / len(loader):+.4f} val nll {val:+.4f}")
    sd = torch.exp(0.5 * lv)
    rmse = ((mu - y_te) ** 2).mean().sqrt().item() * s
    naive = ((X_te[:, -1] - y_te) ** 2).mean().sqrt().item() * s
    cover = ((y_te - mu).abs() < 1.645 * sd).float().mean().item()
    print(f"rmse {rmse:.3f} degrees (naive {naive:.3f})")
    print(f"coverage of the 90% interval: {cover:.3f}")


if __name__ == "__main__":
    main()
