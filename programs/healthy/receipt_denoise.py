import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class ReceiptStrips(Dataset):
    """Four handwritten digits side by side, as on a receipt."""

    def __init__(self, images, n, sigma, seed):
        rng = np.random.default_rng(seed)
        pick = rng.integers(0, len(images), (n, 4))
        self.strips = torch.tensor(np.concatenate([images[pick[:, j]] for j in range(4)], axis=2), dtype=torch.float32)
        self.sigma = sigma
        self.gen = torch.Generator().manual_seed(seed)

    def __len__(self):
        return len(self.strips)

    def __getitem__(self, i):
        clean = self.strips[i].unsqueeze(0)
        noise = torch.randn(clean.shape, generator=self.gen) * self.sigma
        return clean + noise, clean


class Denoiser(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width * 2, 3, stride=2, padding=1), nn.ReLU(),
        )
        self.mid = nn.Sequential(nn.Conv2d(width * 2, width * 2, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(width * 2, width, 2, stride=2)
        self.last = nn.Conv2d(width + 1, 1, 3, padding=1)

    def forward(self, x):
        h = F.relu(self.up(self.mid(self.down(x))))
        return self.last(torch.cat([h, x], dim=1))


def psnr(a, b):
    return -10 * math.log10(F.mse_loss(a, b).item())


class Trainer:
    def __init__(self, sigma=0.35):
        torch.manual_seed(0)
        images = load_digits().images / 16.0
        self.train_loader = DataLoader(ReceiptStrips(images[:1400], 1500, sigma, 0), batch_size=32, shuffle=True)
        self.val_loader = DataLoader(ReceiptStrips(images[1400:], 256, sigma, 1), batch_size=256)
        self.model = Denoiser()
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=2e-3, weight_decay=1e-4)

    def epoch(self):
        self.model.train()
        total = 0.0
        for noisy, clean in self.train_loader:
            loss = F.mse_loss(self.model(noisy), clean)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        noisy, clean = next(iter(self.val_loader))
        return psnr(noisy, clean), psnr(self.model(noisy), clean)

    def run(self, epochs=6):
        for e in range(1, epochs + 1):
            loss = self.epoch()
            before, after = self.validate()
            print(f"epoch {e} train mse {loss:.4f} val psnr {before:.2f} -> {after:.2f} dB")
        print(f"psnr gain {after - before:.2f}")


if __name__ == "__main__":
    Trainer().run()
