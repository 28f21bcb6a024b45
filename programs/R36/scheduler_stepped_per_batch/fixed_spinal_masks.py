import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(4)
torch.manual_seed(4)

context = {
    'batch_size': 16,
    'num_epochs': 8,
    'initial_lr': 0.004,
    'scheduler': {'step_size': 3, 'gamma': 0.5},
    'size': 24,
}


def slices(n, size):
    yy, xx = np.mgrid[:size, :size]
    images, masks = [], []
    for _ in range(n):
        cy, cx = np.random.uniform(7, size - 7, 2)
        ry, rx = np.random.uniform(2.5, 5, 2)
        cord = ((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2
        mask = (cord <= 1).astype(np.float32)
        canal = ((cord > 1) & (cord <= 2.2)).astype(np.float32)
        img = 0.5 * mask + 1.0 * canal + 0.15 * np.random.randn(size, size)
        img += 0.5 * (np.abs(yy - np.random.randint(size)) < 2)
        images.append(img)
        masks.append(mask)
    x = torch.tensor(np.stack(images), dtype=torch.float32).unsqueeze(1)
    return TensorDataset((x - x.mean()) / x.std(), torch.tensor(np.stack(masks)).unsqueeze(1))


class DownConv(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b, 3, padding=1)
        self.bn = nn.BatchNorm2d(b)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.d1, self.d2, self.mid = DownConv(1, 8), DownConv(8, 16), DownConv(16, 16)
        self.u2, self.u1 = DownConv(32, 16), DownConv(24, 8)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        c = F.interpolate(c, scale_factor=2)
        b = self.u2(torch.cat([c, b], 1))
        b = F.interpolate(b, scale_factor=2)
        return torch.sigmoid(self.out(self.u1(torch.cat([b, a], 1))))


def dice_loss(pred, target):
    inter = (pred * target).sum()
    return 1 - (2 * inter + 1) / (pred.sum() + target.sum() + 1)


def cmd_train(context):
    train_loader = DataLoader(slices(320, context['size']), batch_size=context['batch_size'], shuffle=True)
    val_loader = DataLoader(slices(80, context['size']), batch_size=40)
    model = Unet()
    optimizer = optim.Adam(model.parameters(), lr=context['initial_lr'])
    scheduler = optim.lr_scheduler.StepLR(optimizer, **context['scheduler'])
    losses = []
    for epoch in range(context['num_epochs']):
        lr = optimizer.param_groups[0]['lr']
        model.train()
        train_loss_total, num_steps = 0.0, 0
        for images, masks in train_loader:
            loss = dice_loss(model(images), masks)
            train_loss_total += loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            num_steps += 1
        scheduler.step()
        losses.append(train_loss_total / num_steps)
        model.eval()
        scores = []
        with torch.no_grad():
            for images, masks in val_loader:
                p = (model(images) > 0.5).float()
                scores.append((2 * (p * masks).sum() / (p.sum() + masks.sum())).item())
        print(f'Epoch {epoch} lr {lr:.2e}: training loss {losses[-1]:.4f}, validation dice {np.mean(scores):.4f}')
    return float(np.mean(scores))


dice = cmd_train(context)
print(f'final validation dice: {dice:.3f}')
