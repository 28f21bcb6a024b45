# seq2seq forecaster, Lightning Fabric loop. Load on a small grid (simulated): 48 steps in, 12 steps out.
import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def load_curve(steps, rng):
    t = np.arange(steps)
    amplitude = np.ones(steps)
    level = np.zeros(steps)
    for i in range(1, steps):
        amplitude[i] = 1 + 0.98 * (amplitude[i - 1] - 1) + 0.05 * rng.normal()
        level[i] = 0.95 * level[i - 1] + 0.08 * rng.normal()
    daily = amplitude * np.sin(2 * np.pi * t / 24) + 0.4 * np.sin(4 * np.pi * t / 24 + 1)
    pulse = np.zeros(steps)
    gap = 0
    while gap < steps:
        pulse[gap : gap + 4] += 0.9
        gap += int(rng.integers(15, 18))
    return (daily + level + pulse + 0.05 * rng.normal(size=steps)).astype(np.float32)


class Windows(Dataset):
    def __init__(self, series, past=48, ahead=12):
        self.series, self.past, self.ahead = torch.from_numpy(series), past, ahead

    def __len__(self):
        return (len(self.series) - self.past - self.ahead) // 2

    def __getitem__(self, i):
        i = 2 * i
        return self.series[i : i + self.past], self.series[i + self.past : i + self.past + self.ahead]


class Encoder(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.LSTM(1, hidden, batch_first=True)

    def forward(self, past):
        return self.rnn(past.unsqueeze(-1))[1]


class Decoder(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.cell = nn.LSTMCell(1, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, last, state, ahead):
        h, c = state[0][0], state[1][0]
        value, path = last.unsqueeze(1), []
        for _ in range(ahead):
            h, c = self.cell(value, (h, c))
            value = value + self.out(h)
            path.append(value)
        return torch.cat(path, 1)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, past, ahead=12):
        return self.decoder(past[:, -1], self.encoder(past), ahead)


def main():
    fabric = L.Fabric(accelerator="cpu", devices=1)
    fabric.seed_everything(7)
    rng = np.random.default_rng(7)
    series = load_curve(4200, rng)
    series = (series - series[:3200].mean()) / series[:3200].std()
    train = DataLoader(Windows(series[:3200]), batch_size=64, shuffle=True)
    test = DataLoader(Windows(series[3200:]), batch_size=256)
    model = Forecaster()
    optimizer = torch.optim.Adam(model.decoder.parameters(), lr=5e-3)
    model, optimizer = fabric.setup(model, optimizer)
    train, test = fabric.setup_dataloaders(train, test)
    for epoch in range(10):
        model.train()
        for past, future in train:
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(model(past), future)
            fabric.backward(loss)
            fabric.clip_gradients(model, optimizer, max_norm=1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            errors = torch.cat([(model(p) - f).pow(2).mean(1) for p, f in test])
            naive = torch.cat([(p[:, 24:36] - f).pow(2).mean(1) for p, f in test])
        print(f"epoch {epoch} l1 {loss.item():.3f} held-out forecast mse {errors.mean():.4f} (day before: {naive.mean():.4f})")


if __name__ == "__main__":
    main()
