"""Multi-step forecast of a water level with a causal dilated convolution network (24 hours ahead)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

HIST, AHEAD = 96, 24


def gauge(n, seed=5):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    m2, s2, k1 = 12.42, 12.0, 23.93
    tide = 1.1 * np.sin(2 * np.pi * t / m2) + 0.4 * np.sin(2 * np.pi * t / s2 + 1) + 0.25 * np.sin(2 * np.pi * t / k1 + 2)
    surge = np.zeros(n)
    for i in range(1, n):
        surge[i] = 0.97 * surge[i - 1] + rng.normal(0, 0.03) + (0.35 if rng.random() < 0.003 else 0)
    return (312.0 + 55 * (tide + surge) + rng.normal(0, 1.5, n)).astype(np.float32)


class Series(Dataset):
    def __init__(self, values, first, last, stride=1):
        self.values = values
        self.starts = range(first, last - HIST - AHEAD + 1, stride)

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        s = self.starts[i]
        return self.values[s:s + HIST], self.values[s + HIST:s + HIST + AHEAD]


class CausalConv(nn.Module):
    def __init__(self, cin, cout, dilation, k=3):
        super().__init__()
        self.left = (k - 1) * dilation
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(cin, cout, k, dilation=dilation))
        self.skip = nn.Conv1d(cin, cout, 1) if cin != cout else nn.Identity()

    def forward(self, x):
        return self.skip(x) + F.relu(self.conv(F.pad(x, (self.left, 0))))


class TCN(nn.Module):
    def __init__(self, mean, std, width=24):
        super().__init__()
        self.mean, self.std = mean, std
        self.layers = nn.Sequential(*[CausalConv(1 if i == 0 else width, width, 2**i) for i in range(6)])
        self.readout = nn.Linear(width, AHEAD)
        self.direct = nn.Linear(HIST, AHEAD)

    def forward(self, x):
        z = (x - self.mean) / self.std
        y = self.direct(z) + self.readout(self.layers(z.unsqueeze(1))[:, :, -1])
        return y * self.std + self.mean


values = torch.from_numpy(gauge(4200))
mean, std = values[:3000].mean().item(), values[:3000].std().item()
torch.manual_seed(0)
train = DataLoader(Series(values, 0, 3000), batch_size=64, shuffle=True)
valid = DataLoader(Series(values, 3000, 3600, 3), batch_size=256)
test = DataLoader(Series(values, 3600, 4200, 3), batch_size=256)
model = TCN(mean, std)
opt = torch.optim.NAdam(model.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.8)


@torch.no_grad()
def mae(loader):
    model.eval()
    return torch.cat([(model(x) - y).abs().flatten() for x, y in loader]).mean().item()


for epoch in range(10):
    model.train()
    for x, y in train:
        loss = F.l1_loss(model(x), y) / std
        opt.zero_grad()
        loss.backward()
        opt.step()
    sched.step()
    print(f"epoch {epoch}: train loss {loss.item():.4f} valid MAE {mae(valid):.2f} cm")
persist = torch.cat([(x[:, -25:-1] - y).abs().flatten() for x, y in test]).mean().item()
print(f"test MAE {mae(test):.2f} cm, repeating 25 h before {persist:.2f} cm, spread {values.std():.1f} cm")
