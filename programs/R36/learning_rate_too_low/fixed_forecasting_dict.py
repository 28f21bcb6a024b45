import numpy as np
import torch
import torch.nn as nn

cfg = dict(
    window=24,
    hidden=32,
    lr=5e-3,
    epochs=10,
    batch=64,
)
torch.manual_seed(0)
t = np.arange(1500)
rng = np.random.default_rng(0)
series = np.sin(2 * np.pi * t / 24) + 0.5 * np.sin(2 * np.pi * t / 7.3) + 0.1 * rng.standard_normal(1500)
series = ((series - series[:1200].mean()) / series[:1200].std()).astype(np.float32)
windows = np.lib.stride_tricks.sliding_window_view(series, cfg["window"] + 1)
X = torch.tensor(windows[:, :-1].copy()).unsqueeze(-1)
Y = torch.tensor(windows[:, -1].copy()).unsqueeze(-1)
split = 1200 - cfg["window"]
train_X, train_Y, val_X, val_Y = X[:split], Y[:split], X[split:], Y[split:]


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1])


model = Forecaster(cfg["hidden"])
optimizer = torch.optim.AdamW(model.parameters(), lr=cfg["lr"])
criterion = nn.MSELoss()
for epoch in range(1, cfg["epochs"] + 1):
    model.train()
    perm = torch.randperm(len(train_X))
    train_loss = 0
    for b in range(0, len(perm), cfg["batch"]):
        idx = perm[b : b + cfg["batch"]]
        optimizer.zero_grad()
        loss = criterion(model(train_X[idx]), train_Y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        train_loss += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        val = criterion(model(val_X), val_Y).item()
    print(f"Epoch {epoch:3d} | train {train_loss / len(perm):.4f} | val {val:.4f}")
