"""Virtual torque sensor: estimate the torque on a shaft from smoothed current, speed and temperature signals."""
import numpy as np
import torch
from torch import nn

WIDTH = 9


def drive(n, seed):
    rng = np.random.default_rng(seed)
    setpoint = np.repeat(rng.uniform(-1, 1, n // 12 + 1), 12)[:n]
    torque = np.zeros(n)
    speed = np.zeros(n)
    heat = np.zeros(n)
    for k in range(1, n):
        torque[k] = torque[k - 1] + 0.35 * (setpoint[k] - torque[k - 1])
        speed[k] = 0.97 * speed[k - 1] + 0.12 * torque[k] - 0.01 * speed[k - 1] * abs(speed[k - 1])
        heat[k] = 0.995 * heat[k - 1] + 0.02 * torque[k] ** 2
    current = 12 * torque / (1 - 0.12 * np.tanh(heat)) + 0.8 * np.tanh(speed) + rng.normal(0, 1.6, n)
    return np.stack([current, speed + rng.normal(0, 0.05, n), 40 + 8 * heat + rng.normal(0, 0.5, n)], axis=1), 30 * torque


def smooth(signals, width=WIDTH):
    kernel = np.hanning(width + 2)[1:-1]
    kernel /= kernel.sum()
    return np.stack([np.convolve(s, kernel, mode="valid") for s in signals.T], axis=1)


def prepare(n, seed):
    signals, torque = drive(n, seed)
    smoothed = smooth(signals)
    half = WIDTH // 2
    raw = signals[half:-half]
    target = torque[:len(smoothed)]
    return np.concatenate([smoothed, raw[:, 1:2]], axis=1).astype("float32"), target.astype("float32")


torch.manual_seed(6)
train_x, train_y = prepare(6000, 0)
test_x, test_y = prepare(2000, 1)
mu, sigma = train_x.mean(0), train_x.std(0)
t_mu, t_sigma = train_y.mean(), train_y.std()
x = torch.from_numpy((train_x - mu) / sigma)
y = torch.from_numpy((train_y - t_mu) / t_sigma)
x_test = torch.from_numpy((test_x - mu) / sigma)

net = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1), nn.Flatten(0))
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15)
for epoch in range(15):
    total = 0.0
    batches = torch.randperm(len(x)).split(64)
    for b in batches:
        loss = (net(x[b]) - y[b]).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    sched.step()
    if epoch % 3 == 2:
        with torch.no_grad():
            error = net(x_test).numpy() * t_sigma + t_mu - test_y
        print(f"epoch {epoch + 1:2d} mse {total / len(batches):.4f} test rmse {np.sqrt((error**2).mean()):.3f} Nm "
              f"of {test_y.std():.3f} Nm")
