import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.draw import ellipse
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Lesions(Dataset):
    """Speckled 32x32 scans with zero to two small dark lesions (about 3 % of the pixels)."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items = []
        for _ in range(n):
            img = 0.6 + 0.5 * gaussian_filter(rng.normal(size=(32, 32)), 3)
            mask = np.zeros((32, 32), np.float32)
            for _ in range(rng.integers(0, 3)):
                rr, cc = ellipse(*rng.uniform(5, 27, 2), *rng.uniform(2, 4, 2), shape=mask.shape)
                mask[rr, cc] = 1
            img = img - 0.35 * gaussian_filter(mask, 0.7) + rng.normal(0, 0.06, img.shape)
            self.items.append((torch.tensor(img[None] - 0.6, dtype=torch.float32), torch.tensor(mask[None])))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def double(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(),
                         nn.Conv2d(o, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.d1, self.d2, self.mid = double(1, w), double(w, 2 * w), double(2 * w, 4 * w)
        self.up2, self.up1 = nn.ConvTranspose2d(4 * w, 2 * w, 2, 2), nn.ConvTranspose2d(2 * w, w, 2, 2)
        self.u2, self.u1 = double(4 * w, 2 * w), double(2 * w, w)
        self.head = nn.Conv2d(w, 1, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(self.pool(a))
        c = self.mid(self.pool(b))
        c = self.u2(torch.cat([self.up2(c), b], 1))
        return self.head(self.u1(torch.cat([self.up1(c), a], 1)))


def dice_loss(logits, y, eps=1.0):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * y).sum() + eps) / (p.sum() + y.sum() + eps)


def main():
    torch.manual_seed(60)
    train = DataLoader(Lesions(240, 0), batch_size=4, shuffle=True)
    test = DataLoader(Lesions(60, 1), batch_size=20)
    net = UNet()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="max", factor=0.3, patience=2)
    for epoch in range(10):
        net.train()
        s = 0.0
        for x, y in train:
            loss = dice_loss(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            s += loss.item()
        net.eval()
        inter = total = right = n = 0.0
        with torch.no_grad():
            for x, y in test:
                p = (net(x) > 0).float()
                inter, total = inter + (p * y).sum().item(), total + (p.sum() + y.sum()).item()
                right, n = right + (p == y).sum().item(), n + y.numel()
        dice = 2 * inter / max(total, 1)
        plateau.step(dice)
        print(f"epoch {epoch} dice_loss {s / len(train):.4f} pixel_acc {right / n:.4f} test_dice {dice:.4f}")


main()
