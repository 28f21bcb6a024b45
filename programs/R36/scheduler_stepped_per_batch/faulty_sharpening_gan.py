"""Sharpens blurred photo patches: content loss plus a small adversarial loss, one optimizer and one schedule for each network."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import data
from skimage.filters import gaussian
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
sharp = data.camera().astype(np.float32) / 255
blurred = gaussian(sharp, 1.2).astype(np.float32)


def patches(count, columns):
    rows, left = rng.integers(0, 512 - 24, count), rng.integers(columns[0], columns[1] - 24, count)
    return TensorDataset(*(torch.from_numpy(np.stack([image[r:r + 24, c:c + 24] for r, c in zip(rows, left)]))[:, None]
                           for image in (blurred, sharp)))


class Generator(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(1, width, 5, padding=2), nn.PReLU())
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.PReLU(), nn.Conv2d(width, width, 3, padding=1))
                                    for _ in range(2))
        self.leave = nn.Conv2d(width, 1, 5, padding=2)

    def forward(self, x):
        h = self.enter(x)
        for block in self.blocks:
            h = h + block(h)
        return x + self.leave(h)


class Discriminator(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
                                 nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 1))

    def forward(self, x):
        return self.net(x)


epochs = 8
train_loader = DataLoader(patches(640, (0, 360)), batch_size=16, shuffle=True)
val_loader = DataLoader(patches(200, (370, 512)), batch_size=100)
netG, netD = Generator().to(device), Discriminator().to(device)
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3)
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
schedulerG = torch.optim.lr_scheduler.StepLR(optimizerG, step_size=epochs // 2, gamma=0.1)
schedulerD = torch.optim.lr_scheduler.StepLR(optimizerD, step_size=epochs // 2, gamma=0.1)
bce = nn.BCEWithLogitsLoss()
for epoch in range(epochs):
    netG.train()
    for low, high in train_loader:
        low, high = low.to(device), high.to(device)
        real, fake = torch.ones(len(low), 1, device=device), torch.zeros(len(low), 1, device=device)
        restored = netG(low)
        optimizerD.zero_grad()
        d_loss = bce(netD(high), real) + bce(netD(restored.detach()), fake)
        d_loss.backward()
        optimizerD.step()
        optimizerG.zero_grad()
        g_loss = F.l1_loss(restored, high) + 1e-3 * bce(netD(restored), real)
        g_loss.backward()
        optimizerG.step()
        schedulerD.step()
        schedulerG.step()
    netG.eval()
    with torch.no_grad():
        mse = sum(F.mse_loss(netG(low.to(device)), high.to(device)).item() for low, high in val_loader) / len(val_loader)
        mse_input = sum(F.mse_loss(low, high).item() for low, high in val_loader) / len(val_loader)
    print(f"[{epoch + 1}/{epochs}] d {d_loss.item():.3f} g {g_loss.item():.4f} psnr {-10 * np.log10(mse):.2f} (input {-10 * np.log10(mse_input):.2f})")
