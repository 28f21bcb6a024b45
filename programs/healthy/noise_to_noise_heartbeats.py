"""Denoising without clean signals: the target is a second noisy recording of the same heartbeats (noise2noise)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

LENGTH = 256


def heartbeat(rng):
    t = np.arange(LENGTH) / 64
    period = rng.uniform(0.7, 1.1)
    phase = rng.uniform(0, period)
    waves = [(-0.2, 0.15, 0.05), (-0.03, -0.2, 0.015), (0.0, 1.2, 0.02), (0.03, -0.3, 0.015), (0.25, 0.35, 0.07)]
    scale = rng.uniform(0.8, 1.2, len(waves))
    signal = np.zeros(LENGTH)
    for beat in np.arange(-period, t[-1] + period, period):
        for (centre, height, width), s in zip(waves, scale):
            signal += s * height * np.exp(-((t - beat - phase - centre) ** 2) / (2 * width**2))
    return signal


def disturb(signal, rng):
    hiss = 0.35 * rng.standard_normal(LENGTH)
    muscle = 0.25 * np.convolve(rng.standard_normal(LENGTH + 4), np.ones(5) / 5, mode="valid")
    return signal + hiss + muscle


class Recordings(Dataset):
    """Each item is drawn anew: two recordings of one heart, never the clean curve."""

    def __init__(self, hearts, seed):
        self.rng = np.random.default_rng(seed)
        self.clean = [heartbeat(self.rng) for _ in range(hearts)]

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, i):
        pair = [disturb(self.clean[i], self.rng) for _ in range(2)]
        return tuple(torch.tensor(p, dtype=torch.float32).unsqueeze(0) for p in pair)


class Denoiser(nn.Module):
    def __init__(self, channels=20, depth=5):
        super().__init__()
        layers = [nn.Conv1d(1, channels, 7, padding=3), nn.ReLU()]
        for i in range(depth):
            layers += [nn.Conv1d(channels, channels, 5, padding=2 * 2**i, dilation=2**i), nn.BatchNorm1d(channels), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Conv1d(channels, 1, 1))

    def forward(self, x):
        return x - self.net(x)


def snr(clean, estimate):
    return (10 * torch.log10(clean.pow(2).sum(-1) / (clean - estimate).pow(2).sum(-1))).mean().item()


def main():
    torch.manual_seed(19)
    train = DataLoader(Recordings(600, 19), batch_size=30, shuffle=True)
    rng = np.random.default_rng(20)
    clean = np.stack([heartbeat(rng) for _ in range(150)])
    noisy = torch.tensor(np.stack([disturb(c, rng) for c in clean]), dtype=torch.float32).unsqueeze(1)
    clean = torch.tensor(clean, dtype=torch.float32).unsqueeze(1)
    model = Denoiser()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=10, power=1.0)
    smooth = nn.functional.avg_pool1d(noisy, 5, stride=1, padding=2, count_include_pad=False)
    print(f"SNR of the recordings {snr(clean, noisy):.2f} dB, of a moving average {snr(clean, smooth):.2f} dB")
    for epoch in range(10):
        model.train()
        losses = []
        for first, second in train:
            loss = nn.functional.mse_loss(model(first), second)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        model.eval()
        with torch.no_grad():
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f} (noise floor 0.13) SNR after {snr(clean, model(noisy)):.2f} dB")


if __name__ == "__main__":
    main()
