import numpy as np
import pathlib  # noqa: F401
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LOOKBACK, HORIZON = 48, 6
rng = np.random.default_rng(2)
t = np.arange(2400)
load = 300 + 80 * np.sin(2 * np.pi * t / 24) + 30 * np.sin(2 * np.pi * t / 168) + rng.normal(0, 8, t.size)
mean, std = load[:1800].mean(), load[:1800].std()
z = ((load - mean) / std).astype("float32")


def windows(a):
    w = np.lib.stride_tricks.sliding_window_view(a, LOOKBACK + HORIZON)
    return TensorDataset(torch.tensor(w[:, :LOOKBACK].copy()), torch.tensor(w[:, LOOKBACK:].copy()))


train_dl = DataLoader(windows(z[:1800]), batch_size=64, shuffle=True)
val_dl = DataLoader(windows(z[1800:]), batch_size=256)


class TCN(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv1d(1 if k == 0 else c, c, 3, dilation=2**k) for k in range(4)])
        self.head = nn.Linear(c, HORIZON)

    def forward(self, x):
        x = x[:, None]
        for k, conv in enumerate(self.layers):
            h = conv(nn.functional.pad(x, (2 * 2**k, 0))).relu()
            x = h if k == 0 else x + h
        return self.head(x[..., -1])


torch.manual_seed(0)
model = TCN()
opt = torch.optim.Adam(model.parameters(), 2e-3)
for epoch in range(5):
    model.train()
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = nn.functional.huber_loss(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        err = torch.cat([(model(xb) - yb).abs().flatten() for xb, yb in val_dl]).mean().item() * std
    print(f"epoch {epoch}: train {loss.item():.4f}, mean absolute error {err:.2f} MW")
