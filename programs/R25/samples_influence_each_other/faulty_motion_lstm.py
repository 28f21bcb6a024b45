import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACTIVITIES = ["walk", "run", "stairs", "cycle", "rest"]
STEPS, CHANNELS = 32, 6


def simulate(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(ACTIVITIES), n)
    freq = np.array([2.0, 3.2, 2.0, 1.2, 0.3])[y]
    amp = np.array([1.0, 1.6, 1.1, 0.8, 0.2])[y]
    t = np.linspace(0, 1.6, STEPS)
    x = rng.normal(0, 0.45, (n, STEPS, CHANNELS))
    for c in range(CHANNELS):
        ph = rng.uniform(0, 2 * np.pi, n)
        x[:, :, c] += amp[:, None] * np.sin(2 * np.pi * freq[:, None] * t + ph[:, None])
    drift = np.where(y == 2, 1.0, 0.0)
    x[:, :, 2] += drift[:, None] * t * rng.choice([1, 1.4], n)[:, None]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class MotionLSTM(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.lstm = nn.LSTM(CHANNELS, hidden, num_layers=1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(hidden, len(ACTIVITIES))

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.drop(out[:, -1, :]))


def evaluate(model, loader):
    model.eval()
    ok = n = 0
    with torch.no_grad():
        for x, y in loader:
            ok += (model(x).argmax(1) == y).sum().item()
            n += len(y)
    return ok / n


def main():
    torch.manual_seed(23)
    x, y = simulate(1500, 0)
    xt, yt = simulate(500, 1)
    mean, std = x.mean((0, 1)), x.std((0, 1))
    train = DataLoader(TensorDataset((x - mean) / std, y), batch_size=50, shuffle=True)
    test = DataLoader(TensorDataset((xt - mean) / std, yt), batch_size=50)
    model = MotionLSTM()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=8, gamma=0.5)
    for epoch in range(20):
        model.train()
        losses = []
        for xb, yb in train:
            loss = nn.functional.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        sched.step()
        print(f"epoch {epoch} loss {np.mean(losses):.4f} test_acc {evaluate(model, test):.3f}")


main()
