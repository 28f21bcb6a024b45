"""Hourly load forecast, 96 hours to 24: reversible instance normalization, a linear and a convolutional branch, early stopping."""
import copy

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
hours = np.arange(24 * 260)
level = np.cumsum(rng.normal(0, 0.4, len(hours)))
load = (400 + 0.02 * hours + level + 60 * np.sin(2 * np.pi * (hours - 8) / 24) + 25 * np.sin(4 * np.pi * hours / 24)
        - 40 * ((hours // 24) % 7 >= 5) + rng.normal(0, 6, len(hours))).astype("float32")


class Windows(Dataset):
    def __init__(self, series, context=96, horizon=24):
        self.series, self.context, self.horizon = torch.from_numpy(series), context, horizon

    def __len__(self):
        return len(self.series) - self.context - self.horizon + 1

    def __getitem__(self, i):
        middle = i + self.context
        return self.series[i:middle], self.series[middle:middle + self.horizon]


class RevIN(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))

    def normalize(self, x):
        self.mean, self.std = x.mean(1, keepdim=True).detach(), (x.std(1, keepdim=True) + 1e-5).detach()
        return (x - self.mean) / self.std * self.scale + self.shift

    def denormalize(self, y):
        return (y - self.shift) / self.scale * self.std + self.mean


class Forecaster(nn.Module):
    def __init__(self, context=96, horizon=24):
        super().__init__()
        self.revin = RevIN()
        self.linear = nn.Linear(context, horizon)
        self.conv = nn.Sequential(nn.Conv1d(1, 16, 25, padding=12), nn.GELU(), nn.AvgPool1d(4), nn.Flatten(), nn.Dropout(0.2),
                                  nn.Linear(16 * context // 4, horizon))

    def forward(self, x):
        x = self.revin.normalize(x)
        return self.revin.denormalize(self.linear(x) + self.conv(x.unsqueeze(1)))


train_end, val_end = 24 * 180, 24 * 220
train = DataLoader(Windows(load[:train_end]), batch_size=128, shuffle=True)
val = DataLoader(Windows(load[train_end - 96:val_end]), batch_size=512)
test = DataLoader(Windows(load[val_end - 96:]), batch_size=512)


def mae(model, loader):
    model.eval()
    with torch.no_grad():
        errors = [(model(x.to(device)) - y.to(device)).abs().mean(1) for x, y in loader]
    return torch.cat(errors).mean().item()


model = Forecaster().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.L1Loss()
best, best_state, waited = float("inf"), None, 0
for epoch in range(25):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x.to(device)), y.to(device))
        loss.backward()
        optimizer.step()
    score = mae(model, val)
    print(f"epoch {epoch + 1}: train {loss.item():.3f} val MAE {score:.3f}")
    if score < best:
        best, best_state, waited = score, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
        if waited == 4:
            break
model.load_state_dict(best_state)
naive = np.abs(load[val_end:-24] - load[val_end + 24:]).mean()
print(f"test MAE {mae(model, test):.2f}, same hour of the day before {naive:.2f}")
