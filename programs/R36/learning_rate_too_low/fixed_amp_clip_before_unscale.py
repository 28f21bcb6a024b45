import argparse
import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import optim
from torch.utils.data import DataLoader, TensorDataset, random_split


class DoubleConv(nn.Module):
    """(convolution => [BN] => ReLU) * 2"""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.double_conv(x)


class UNet(nn.Module):
    def __init__(self, n_channels, n_classes, width=8):
        super().__init__()
        self.inc = DoubleConv(n_channels, width)
        self.down = nn.Sequential(nn.MaxPool2d(2), DoubleConv(width, 2 * width))
        self.up = nn.ConvTranspose2d(2 * width, width, kernel_size=2, stride=2)
        self.conv = DoubleConv(2 * width, width)
        self.outc = nn.Conv2d(width, n_classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.up(self.down(x1))
        return self.outc(self.conv(torch.cat([x1, x2], dim=1)))


def make_dataset():
    torch.manual_seed(0)
    images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1)[:800] / 16
    masks = ((images > 0.4) & (F.avg_pool2d(images, 3, 1, 1) > 0.35)).long().squeeze(1)
    return TensorDataset(images + 0.3 * torch.randn_like(images), masks)


def evaluate(net, loader):
    net.eval()
    inter = union = 0
    with torch.no_grad():
        for image, mask in loader:
            pred = net(image).argmax(dim=1)
            inter += ((pred == 1) & (mask == 1)).sum().item()
            union += (pred == 1).sum().item() + (mask == 1).sum().item()
    net.train()
    return 2 * inter / max(union, 1)


def train_model(model, epochs, batch_size, learning_rate, amp, gradient_clipping=1.0):
    train_set, val_set = random_split(make_dataset(), [640, 160], generator=torch.Generator().manual_seed(0))
    train_loader = DataLoader(train_set, shuffle=True, batch_size=batch_size)
    val_loader = DataLoader(val_set, batch_size=80)
    optimizer = optim.RMSprop(model.parameters(), lr=learning_rate, momentum=0.9, eps=1e-3)
    grad_scaler = torch.amp.GradScaler("cpu", enabled=amp)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, epochs + 1):
        model.train()
        epoch_loss = 0
        for images, true_masks in train_loader:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=amp):
                masks_pred = model(images)
                loss = criterion(masks_pred, true_masks)
            optimizer.zero_grad(set_to_none=True)
            grad_scaler.scale(loss).backward()
            grad_scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), gradient_clipping)
            grad_scaler.step(optimizer)
            grad_scaler.update()
            epoch_loss += loss.item()
        logging.info("epoch %d loss %.3f", epoch, epoch_loss / len(train_loader))
    print(f"Validation Dice score: {evaluate(model, val_loader):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train the UNet on images and target masks")
    parser.add_argument("--epochs", "-e", type=int, default=4)
    parser.add_argument("--batch-size", "-b", type=int, default=16)
    parser.add_argument("--learning-rate", "-l", type=float, default=1e-3)
    parser.add_argument("--no-amp", action="store_true")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    torch.manual_seed(0)
    train_model(UNet(1, 2), args.epochs, args.batch_size, args.learning_rate, not args.no_amp)
