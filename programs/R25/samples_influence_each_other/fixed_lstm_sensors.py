"""Forecast of the next value of a machine's vibration from windows of three sensors."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    window: int = 30
    sensors: int = 3
    hidden: int = 48
    batch_size: int = 60
    lr: float = 4e-3
    epochs: int = 8
    seed: int = 7


def make_signal(length):
    t = torch.arange(length, dtype=torch.float32)
    speed = 1 + 0.3 * torch.sin(2 * math.pi * t / 700)
    phase = torch.cumsum(2 * math.pi * speed / 25, 0)
    a = torch.sin(phase) + 0.1 * torch.randn(length)
    b = torch.sin(2 * phase + 0.7) * (1 + 0.4 * torch.sin(2 * math.pi * t / 310)) + 0.1 * torch.randn(length)
    c = torch.cos(phase / 2) + 0.1 * torch.randn(length)
    return torch.stack([a, b, c], 1)


def windows(signal, size):
    x = signal.unfold(0, size, 1)[:-1].transpose(1, 2).contiguous()
    return x, signal[size:, 1:2]


class Forecaster(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.lstm = nn.LSTM(cfg.sensors, cfg.hidden, num_layers=1)
        self.head = nn.Linear(cfg.hidden, 1)

    def forward(self, x):
        batch, steps, sensors = x.shape
        x = x.permute(1, 0, 2)
        output, _ = self.lstm(x)
        return self.head(output[-1])


class Trainer:
    def __init__(self, cfg, model, train_loader, test_loader):
        self.cfg = cfg
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.train_loader, self.test_loader = train_loader, test_loader
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=3, gamma=0.5)
        self.criterion = nn.MSELoss()

    def train_epoch(self):
        self.model.train()
        losses = []
        for x, y in self.train_loader:
            x, y = x.to(self.device), y.to(self.device)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.criterion(self.model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            losses.append(loss.item())
        self.scheduler.step()
        return sum(losses) / len(losses)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        squared, targets = 0.0, []
        for x, y in self.test_loader:
            prediction = self.model(x.to(self.device)).cpu()
            squared += (prediction - y).pow(2).sum().item()
            targets.append(y)
        targets = torch.cat(targets)
        return 1 - squared / (targets - targets.mean()).pow(2).sum().item()

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            loss = self.train_epoch()
            print(f"epoch {epoch:2d}  mse {loss:.4f}  test r2 {self.evaluate():.4f}")


if __name__ == "__main__":
    cfg = Config()
    torch.manual_seed(cfg.seed)
    signal = make_signal(4200)
    x, y = windows(signal, cfg.window)
    train = TensorDataset(x[:3300], y[:3300])
    test = TensorDataset(x[3360:], y[3360:])
    Trainer(
        cfg,
        Forecaster(cfg),
        DataLoader(train, batch_size=cfg.batch_size, shuffle=True),
        DataLoader(test, batch_size=cfg.batch_size),
    ).fit()
