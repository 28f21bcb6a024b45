"""A U-Net that finds small cells in noisy pictures; BCE plus soft Dice, plateau schedule on the validation Dice."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Cells(Dataset):
    def __init__(self, size, seed):
        generator = torch.Generator().manual_seed(seed)
        ys, xs = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
        self.images, self.masks = [], []
        for _ in range(size):
            mask = torch.zeros(32, 32)
            for _ in range(int(torch.randint(1, 5, (), generator=generator))):
                cy, cx = 3 + 26 * torch.rand(2, generator=generator)
                a, b = 1.5 + 2.5 * torch.rand(2, generator=generator)
                mask[((ys - cy) / a) ** 2 + ((xs - cx) / b) ** 2 < 1] = 1
            light = 0.3 + 0.2 * torch.rand((), generator=generator) + 0.2 * xs / 32
            image = light + 0.35 * mask + 0.12 * torch.randn(32, 32, generator=generator)
            self.images.append(image.clamp(0, 1)[None])
            self.masks.append(mask[None])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


def double_conv(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
                         nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, base=12):
        super().__init__()
        self.down1, self.down2, self.bottom = double_conv(1, base), double_conv(base, 2 * base), double_conv(2 * base, 4 * base)
        self.up2, self.conv2 = nn.ConvTranspose2d(4 * base, 2 * base, 2, 2), double_conv(4 * base, 2 * base)
        self.up1, self.conv1 = nn.ConvTranspose2d(2 * base, base, 2, 2), double_conv(2 * base, base)
        self.out = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.conv2(torch.cat([self.up2(c), b], 1))
        return self.out(self.conv1(torch.cat([self.up1(b), a], 1)))


def dice_score(probabilities, masks, smooth=1.0):
    overlap = (probabilities * masks).sum((1, 2, 3))
    return ((2 * overlap + smooth) / (probabilities.sum((1, 2, 3)) + masks.sum((1, 2, 3)) + smooth)).mean()


def criterion(logits, masks):
    return F.binary_cross_entropy_with_logits(logits, masks) + 1 - dice_score(torch.sigmoid(logits), masks)


torch.manual_seed(0)
train_loader = DataLoader(Cells(320, seed=1), batch_size=16, shuffle=True)
val_loader = DataLoader(Cells(80, seed=2), batch_size=40)
model = UNet().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=2)
best = 0.0
for epoch in range(10):
    model.train()
    for images, masks in train_loader:
        images, masks = images.to(device), masks.to(device)
        optimizer.zero_grad()
        loss = criterion(model(images), masks)
        loss.backward()
        optimizer.step()
    model.eval()
    scores = []
    with torch.no_grad():
        for images, masks in val_loader:
            predicted = (torch.sigmoid(model(images.to(device))) > 0.5).float()
            scores.append(dice_score(predicted, masks.to(device)).item())
    score = sum(scores) / len(scores)
    scheduler.step(score)
    best = max(best, score)
    print(f"epoch {epoch}: loss {loss.item():.4f}, val dice {score:.4f}, lr {optimizer.param_groups[0]['lr']:.1e}")
print(f"best dice {best:.4f}")
