"""Predict the next value of a noisy two-tone signal from the last 16."""
import torch
from torch import nn

torch.manual_seed(3)
t = torch.arange(2200) * 0.1
signal = torch.sin(t) + 0.5 * torch.sin(2.7 * t + 1.0) + 0.05 * torch.randn(len(t))
windows = signal.unfold(0, 17, 1)
split = 1700
train_x, train_y = windows[:split, :16], windows[:split, 16:]
val_x, val_y = windows[split + 17:, :16], windows[split + 17:, 16:]
mean, std = signal[:split].mean(), signal[:split].std()
train_x, train_y, val_x, val_y = [(v - mean) / std for v in (train_x, train_y, val_x, val_y)]

net = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
mse = nn.MSELoss()

for step in range(1, 601):
    rows = torch.randint(len(train_x), (64,))
    opt.zero_grad()
    loss = mse(net(train_x[rows]), train_y[rows])
    loss.backward()
    opt.step()
    if step % 100 == 0:
        with torch.no_grad():
            val_loss = mse(net(val_x), val_y)
        r2 = 1 - val_loss / val_y.var()
        print(f"step {step} train mse {loss.item():.4f} val mse {val_loss.item():.4f} val R2 {r2.item():.3f}")
