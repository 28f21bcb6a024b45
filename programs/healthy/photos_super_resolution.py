"""Twofold super-resolution with residual blocks and pixel shuffle on photographs, L1 loss, PSNR against bicubic; resumes from a checkpoint."""
import os
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_tensor(photo):
    return torch.from_numpy(np.asarray(photo, dtype=np.float32) / 255).permute(2, 0, 1)


class Patches(Dataset):
    def __init__(self, photos, size=32, repeats=300):
        self.photos, self.size, self.repeats = photos, size, repeats

    def __len__(self):
        return len(self.photos) * self.repeats

    def __getitem__(self, i):
        photo = self.photos[i % len(self.photos)]
        top = int(torch.randint(photo.shape[1] - self.size, ()))
        left = int(torch.randint(photo.shape[2] - self.size, ()))
        high = photo[:, top:top + self.size, left:left + self.size]
        if torch.rand(()) < 0.5:
            high = high.flip(-1)
        low = F.interpolate(high[None], scale_factor=0.5, mode="bicubic", antialias=True)[0].clamp(0, 1)
        return low, high


class ResBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(True), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x):
        return x + 0.1 * self.body(x)


class EDSR(nn.Module):
    def __init__(self, width=24, blocks=3):
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(ResBlock(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1))
        self.tail = nn.Sequential(nn.Conv2d(width, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, low):
        features = self.head(low - 0.5)
        return self.tail(features + self.body(features)) + F.interpolate(low, scale_factor=2, mode="bicubic")


def psnr(a, b):
    return (-10 * torch.log10(F.mse_loss(a.clamp(0, 1), b))).item()


def train(start, stop, path, photos, held_out):
    model = EDSR().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [6, 8], gamma=0.5)
    if os.path.exists(path):
        state = torch.load(path, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
    loader = DataLoader(Patches(photos), batch_size=16, shuffle=True)
    low = F.interpolate(held_out[None], scale_factor=0.5, mode="bicubic", antialias=True).clamp(0, 1).to(device)
    for epoch in range(start, stop):
        model.train()
        for small, large in loader:
            loss = F.l1_loss(model(small.to(device)), large.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            value = psnr(model(low), held_out[None].to(device))
            base = psnr(F.interpolate(low, scale_factor=2, mode="bicubic"), held_out[None].to(device))
        print(f"epoch {epoch + 1}: loss {loss.item():.4f} psnr {value:.2f} dB, bicubic {base:.2f} dB")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, path)


if __name__ == "__main__":
    torch.manual_seed(0)
    pictures = [to_tensor(data.astronaut()), to_tensor(data.coffee()), to_tensor(data.rocket())]
    test = to_tensor(data.chelsea())[:, 60:188, 100:260]
    with tempfile.TemporaryDirectory() as folder:
        train(0, 5, os.path.join(folder, "last.pt"), pictures, test)
        train(5, 9, os.path.join(folder, "last.pt"), pictures, test)
