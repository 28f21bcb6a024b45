"""Rare bright spots in a noisy background: fully convolutional network with focal and dice loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Spots(Dataset):
    """One to three spots of 5 to 9 pixels on a textured ground: less than two per cent of the pixels."""

    def __init__(self, count, seed, size=40):
        generator = torch.Generator().manual_seed(seed)
        grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")).float()
        self.x, self.y = [], []
        for _ in range(count):
            ground = torch.randn(1, 1, size // 4, size // 4, generator=generator)
            image = F.interpolate(ground, size=size, mode="bilinear")[0, 0] + 0.5 * torch.randn(size, size, generator=generator)
            mask = torch.zeros(size, size)
            for _ in range(int(torch.randint(1, 4, (), generator=generator))):
                centre = torch.randint(3, size - 3, (2, 1, 1), generator=generator)
                spot = ((grid - centre).pow(2).sum(0) < 2.6).float()
                image = image + 1.8 * spot
                mask = torch.maximum(mask, spot)
            self.x.append(image[None])
            self.y.append(mask[None])

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class FocalDice(nn.Module):
    def __init__(self, alpha=0.75, gamma=2.0, dice_weight=0.5):
        super().__init__()
        self.alpha, self.gamma, self.dice_weight = alpha, gamma, dice_weight

    def forward(self, logits, target):
        bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        p_t = torch.exp(-bce)
        alpha_t = self.alpha * target + (1 - self.alpha) * (1 - target)
        focal = (alpha_t * (1 - p_t) ** self.gamma * bce).sum() / target.sum().clamp(min=1)
        p = logits.sigmoid()
        overlap = (p * target).sum((1, 2, 3))
        dice = 1 - (2 * overlap + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)
        return focal + self.dice_weight * dice.mean()


class SpotNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2), nn.GroupNorm(4, width), nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2), nn.GroupNorm(4, width), nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(4, width), nn.SiLU(),
        )  # fmt: skip
        self.out = nn.Conv2d(width, 1, 1)
        nn.init.constant_(self.out.bias, -4.0)

    def forward(self, x):
        return self.out(self.body(x))


def main():
    torch.manual_seed(2)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_loader = DataLoader(Spots(300, seed=0), batch_size=15, shuffle=True)
    val_loader = DataLoader(Spots(80, seed=1), batch_size=40)
    model, criterion = SpotNet().to(device), FocalDice()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=2)
    for epoch in range(8):
        model.train()
        for x, y in train_loader:
            loss = criterion(model(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        hits = found = real = 0.0
        with torch.no_grad():
            for x, y in val_loader:
                pred = (model(x.to(device)) > 0).cpu().float()
                hits, found, real = hits + (pred * y).sum().item(), found + pred.sum().item(), real + y.sum().item()
        f1 = 2 * hits / max(found + real, 1)
        scheduler.step(f1)
        print(f"epoch {epoch} loss {loss.item():.3f} val f1 {f1:.4f} lr {optimizer.param_groups[0]['lr']:.0e}")


if __name__ == "__main__":
    main()
