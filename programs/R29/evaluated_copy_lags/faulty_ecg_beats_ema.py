"""
ECG beat classification (normal, PVC, LBBB-like, APC) with a small 1D ConvNeXt-style net.
We evaluate the exponential moving average of the weights.
"""
import copy

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

CFG = dict(
    epochs=8,
    batch_size=32,
    lr=3e-3,
    weight_decay=0.02,
    ema_decay=0.9999,
    seed=77,
)


def wave(t, c, w, a):
    return a * np.exp(-0.5 * ((t - c) / w) ** 2)


def beat(kind, rng, n=128):
    t = np.linspace(-0.5, 0.5, n)
    j = lambda s: rng.normal(1, s)
    if kind == 0:
        x = wave(t, -0.2, 0.025, 0.15 * j(.2)) + wave(t, 0, 0.012 * j(.1), j(.1)) - wave(t, 0.03, 0.012, 0.25) + wave(t, 0.22, 0.045, 0.3 * j(.2))
    elif kind == 1:
        x = wave(t, 0, 0.045 * j(.1), 1.2 * j(.15)) - wave(t, 0.12, 0.05, 0.5 * j(.2)) - wave(t, 0.25, 0.06, 0.2 * j(.3))
    elif kind == 2:
        x = wave(t, -0.2, 0.025, 0.15 * j(.2)) + wave(t, -0.02, 0.022, 0.7 * j(.1)) + wave(t, 0.035, 0.022, 0.8 * j(.1)) - wave(t, 0.22, 0.05, 0.3 * j(.2))
    else:
        x = wave(t, -0.12 + rng.normal(0, 0.02), 0.02, 0.22 * j(.2)) + wave(t, 0, 0.012 * j(.1), 0.9 * j(.1)) - wave(t, 0.03, 0.012, 0.25) + wave(t, 0.2, 0.045, 0.3 * j(.2))
    x = np.roll(x, rng.integers(-4, 5)) + 0.15 * np.sin(2 * np.pi * rng.uniform(0.2, 0.6) * t + rng.uniform(0, 6))
    return x + rng.normal(0, 0.05, n)


def dataset(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(4, size=n, p=[0.4, 0.2, 0.2, 0.2])
    x = np.stack([beat(k, rng) for k in y])
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    return TensorDataset(torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y))


class ConvBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dw = nn.Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.GroupNorm(1, dim)
        self.pw1 = nn.Conv1d(dim, 2 * dim, 1)
        self.pw2 = nn.Conv1d(2 * dim, dim, 1)

    def forward(self, x):
        h = nn.functional.gelu(self.pw1(self.norm(self.dw(x))))
        return x + self.pw2(h)


def build_model():
    return nn.Sequential(
        nn.Conv1d(1, 24, 4, stride=4), nn.GroupNorm(1, 24),
        ConvBlock(24), ConvBlock(24),
        nn.Conv1d(24, 48, 2, stride=2), ConvBlock(48),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.LayerNorm(48), nn.Linear(48, 4),
    )


class ModelEMA:
    def __init__(self, model, decay):
        self.module = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.module.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for e, p in zip(self.module.parameters(), model.parameters()):
            e.mul_(self.decay).add_(p, alpha=1 - self.decay)
        for e, b in zip(self.module.buffers(), model.buffers()):
            e.copy_(b)


@torch.no_grad()
def accuracy(model, loader):
    return np.mean(np.concatenate([(model(x).argmax(1) == y).numpy() for x, y in loader]))


if __name__ == "__main__":
    torch.manual_seed(CFG["seed"])
    train_loader = DataLoader(dataset(1400, 1), CFG["batch_size"], shuffle=True, drop_last=True)
    test_loader = DataLoader(dataset(500, 2), 250)
    model = build_model()
    ema = ModelEMA(model, CFG["ema_decay"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=CFG["lr"], weight_decay=CFG["weight_decay"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, CFG["epochs"] * len(train_loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)

    for epoch in range(CFG["epochs"]):
        model.train()
        losses = []
        for x, y in train_loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            ema.update(model)
            losses.append(loss.item())
        acc = accuracy(ema.module, test_loader)
        print(f"epoch={epoch} train_loss={np.mean(losses):.4f} ema_acc={acc:.4f}")
