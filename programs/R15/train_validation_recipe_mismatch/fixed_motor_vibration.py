"""Fault grading of electric motors from 3-axis vibration windows (1D CNN)."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

FS = 256
GRADES = ["ok", "unbalance light", "unbalance heavy", "bearing"]


def make_motor(motor_seed, windows=60):
    """One motor = one recording session; returns (windows, 3, 128) accelerations in m/s^2 and grades."""
    rng = np.random.default_rng(motor_seed)
    base = rng.uniform(23, 27)
    gain = rng.uniform(0.9, 1.1, size=3)
    t = np.arange(128) / FS
    xs, ys = [], []
    for _ in range(windows):
        g = rng.integers(0, 4)
        f = base * rng.uniform(0.97, 1.03)
        amp = {0: rng.uniform(0.5, 0.9), 1: rng.uniform(1.1, 1.9), 2: rng.uniform(2.2, 3.6), 3: rng.uniform(0.6, 1.5)}[g]
        ph = rng.uniform(0, 2 * np.pi)
        sig = np.stack([amp * np.sin(2 * np.pi * f * t + ph + k * 1.3) for k in range(3)])
        sig[2] *= 0.4
        if g == 3:
            burst = (np.sin(2 * np.pi * f * 3.57 * t + ph) > 0.9) * np.sin(2 * np.pi * 95 * t)
            sig += 1.4 * amp * burst
        sig += rng.normal(0, 0.25 + 0.12 * amp, sig.shape)
        xs.append(sig * gain[:, None])
        ys.append(g)
    return np.asarray(xs, np.float32), np.asarray(ys)


class VibrationData:
    """Train and test motors are different machines."""

    def __init__(self, n_train=24, n_test=10):
        parts = [make_motor(100 + i) for i in range(n_train)]
        self.x_train = np.concatenate([p[0] for p in parts])
        self.y_train = np.concatenate([p[1] for p in parts])
        parts = [make_motor(900 + i) for i in range(n_test)]
        self.x_test = np.concatenate([p[0] for p in parts])
        self.y_test = np.concatenate([p[1] for p in parts])
        self.mean = self.x_train.mean((0, 2), keepdims=True)
        self.std = self.x_train.std((0, 2), keepdims=True)

    def train_loader(self, batch_size):
        x = (self.x_train - self.mean) / self.std
        ds = TensorDataset(torch.from_numpy(x), torch.from_numpy(self.y_train))
        return DataLoader(ds, batch_size=batch_size, shuffle=True, drop_last=True)

    def test_loader(self, batch_size):
        x = (self.x_test - self.mean) / self.std
        return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(self.y_test)), batch_size=batch_size)


def conv_block(cin, cout, k):
    return nn.Sequential(nn.Conv1d(cin, cout, k, padding=k // 2), nn.BatchNorm1d(cout), nn.LeakyReLU(0.1), nn.MaxPool1d(2))


class VibNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(conv_block(3, 16, 9), conv_block(16, 32, 5), conv_block(32, 32, 3))
        self.cls = nn.Linear(64, len(GRADES))

    def forward(self, x):
        h = self.enc(x)
        return self.cls(torch.cat([h.mean(-1), h.amax(-1)], 1))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = VibrationData()
    train, test = data.train_loader(48), data.test_loader(200)
    net = VibNet()
    opt = torch.optim.RMSprop(net.parameters(), lr=5e-4)
    crit = nn.CrossEntropyLoss()
    for epoch in range(1, 13):
        net.train()
        s = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = crit(net(x), y)
            loss.backward()
            opt.step()
            s += loss.item()
        net.eval()
        ok = [0, 0, 0, 0]
        n = [0, 0, 0, 0]
        with torch.no_grad():
            for x, y in test:
                hit = net(x).argmax(1) == y
                for k in range(4):
                    ok[k] += hit[y == k].sum().item()
                    n[k] += (y == k).sum().item()
        per = " ".join(f"{GRADES[k]}={ok[k] / n[k]:.2f}" for k in range(4))
        print(f"ep {epoch:02d} loss {s / len(train):.4f}  test acc {sum(ok) / sum(n):.4f}  {per}")


if __name__ == "__main__":
    main()
