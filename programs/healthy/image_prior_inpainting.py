"""Deep image prior: a network is fitted to a single damaged photograph, from a fixed random input, and fills the holes."""
import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from skimage.transform import resize
from torch import nn

SIZE = 64


class Down(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(
            nn.Conv2d(cin, cout, 3, stride=2, padding=1, padding_mode="reflect"), nn.BatchNorm2d(cout), nn.LeakyReLU(0.2),
            nn.Conv2d(cout, cout, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(cout), nn.LeakyReLU(0.2))


class Up(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(cin), nn.Conv2d(cin, cout, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(cout), nn.LeakyReLU(0.2),
            nn.Conv2d(cout, cout, 1), nn.BatchNorm2d(cout), nn.LeakyReLU(0.2))

    def forward(self, x):
        return self.body(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))


class Hourglass(nn.Module):
    def __init__(self, channels=16, width=24, levels=3):
        super().__init__()
        self.down = nn.ModuleList(Down(channels if i == 0 else width, width) for i in range(levels))
        self.up = nn.ModuleList(Up(width, width) for _ in range(levels))
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, z):
        for block in self.down:
            z = block(z)
        for block in self.up:
            z = block(z)
        return torch.sigmoid(self.out(z))


def psnr(a, b, where):
    return -10 * torch.log10(((a - b)[where] ** 2).mean()).item()


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    photo = resize(data.camera()[60:316, 120:376], (SIZE, SIZE), anti_aliasing=True)
    clean = torch.tensor(photo, dtype=torch.float32)[None, None]
    known = torch.tensor(rng.random((1, 1, SIZE, SIZE)) > 0.4)
    damaged = clean * known
    net = Hourglass()
    z = 0.1 * torch.rand(1, 16, SIZE, SIZE)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    average = None
    for step in range(1, 501):
        optimizer.zero_grad()
        out = net(z + 0.03 * torch.randn_like(z))
        loss = F.mse_loss(out * known, damaged)
        loss.backward()
        optimizer.step()
        current = out.detach()
        average = current if average is None else 0.97 * average + 0.03 * current
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.5f}  PSNR on hidden pixels {psnr(average, clean, ~known):.2f} dB")
    mean_fill = torch.where(known, clean, clean[known].mean())
    around = F.avg_pool2d(damaged, 5, 1, 2) / F.avg_pool2d(known.float(), 5, 1, 2).clamp_min(0.04)
    print(f"filled with the mean {psnr(mean_fill, clean, ~known):.2f} dB, with the mean of the neighbours {psnr(around, clean, ~known):.2f} dB")
    print(f"hidden pixels: PSNR {psnr(average, clean, ~known):.2f} dB")


if __name__ == "__main__":
    main()
