"""Activity recognition from a wrist sensor: windows of 64 readings, every 8 readings, a one-dimensional CNN."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
WINDOW, STRIDE, PEOPLE, ACTIVITIES = 64, 8, 12, 4


def recording(person, activity, length=400):
    """Every person has an own gait: tempo, strength and the way the sensor sits on the wrist."""
    gait = np.random.default_rng(100 + person)
    tempo, strength, tilt = gait.uniform(0.7, 1.4), gait.uniform(0.6, 1.6), np.linalg.qr(gait.normal(size=(3, 3)))[0]
    t = np.arange(length) / 25
    base = [0.2, 1.4, 2.0, 1.7][activity] * tempo
    waves = np.stack([np.sin(2 * np.pi * base * t), np.sin(4 * np.pi * base * t + 1), [0, 0.3, 0.2, 0.8][activity] * np.cos(2 * np.pi * base * t)], 1)
    waves *= strength * [0.1, 0.8, 1.5, 0.9][activity]
    drift = np.cumsum(rng.normal(0, 0.03, (length, 3)), 0)
    return ((waves + [0, 0, 1]) @ tilt + drift + rng.normal(0, 0.25, (length, 3))).astype(np.float32)


def windows(people):
    x, y = [], []
    for person in people:
        for activity in range(ACTIVITIES):
            series = recording(person, activity)
            for start in range(0, len(series) - WINDOW + 1, STRIDE):
                x.append(series[start:start + WINDOW].T)
                y.append(activity)
    return torch.from_numpy(np.stack(x)), torch.tensor(y)


x, y = windows(range(PEOPLE))
order = torch.randperm(len(x))
x, y = x[order], y[order]
split = int(0.75 * len(x))
x_train, y_train = x[:split], y[:split]
x_test, y_test = x[split:], y[split:]
mean, std = x_train.mean((0, 2), keepdim=True), x_train.std((0, 2), keepdim=True)
train = DataLoader(TensorDataset((x_train - mean) / std, y_train), batch_size=64, shuffle=True)
test = DataLoader(TensorDataset((x_test - mean) / std, y_test), batch_size=256)
model = nn.Sequential(nn.Conv1d(3, 32, 7, padding=3), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(32, 64, 5, padding=2),
                      nn.BatchNorm1d(64), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 16, ACTIVITIES)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
for epoch in range(10):
    model.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in test)
    print(f"epoch {epoch + 1}: train loss {loss.item():.3f}, test accuracy {correct / len(y_test):.3f}")
