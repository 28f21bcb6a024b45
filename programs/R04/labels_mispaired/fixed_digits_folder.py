"""ResNet on a folder of digit pictures and a table of labels."""
import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, random_split


def export(root):
    """Unpack the pictures as they were delivered: 0.png, 1.png, ... and labels.csv."""
    images, labels = load_digits(return_X_y=True)
    (root / "images").mkdir()
    for i, image in enumerate(images.reshape(-1, 8, 8)):
        Image.fromarray((image * 15.9).astype(np.uint8)).save(root / "images" / f"{i}.png")
    with open(root / "labels.csv", "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["id", "label"])
        writer.writerows(enumerate(labels))


class DigitFolder(Dataset):
    def __init__(self, root):
        self.files = sorted((root / "images").glob("*.png"), key=lambda file: int(file.stem))
        with open(root / "labels.csv", newline="") as f:
            self.labels = [int(row["label"]) for row in csv.DictReader(f)]
        assert len(self.files) == len(self.labels)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        image = np.asarray(Image.open(self.files[index]), dtype=np.float32)
        image = (image / 255.0 - 0.3) / 0.38
        return torch.from_numpy(image)[None], self.labels[index]


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.shortcut = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.layers = nn.Sequential(Block(16, 16), Block(16, 32, 2), Block(32, 64, 2))
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        x = self.layers(self.stem(x))
        return self.fc(x.mean(dim=(2, 3)))


def run_epoch(model, loader, device, optimizer=None):
    model.train(optimizer is not None)
    total, correct, count = 0.0, 0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
            count += len(labels)
    return total / count, correct / count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        export(root)
        dataset = DigitFolder(root)
        train_set, val_set = random_split(dataset, [1400, len(dataset) - 1400])
        train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
        val_loader = DataLoader(val_set, batch_size=200)
        model = ResNet().to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
        for epoch in range(args.epochs):
            train_loss, train_acc = run_epoch(model, train_loader, device, optimizer)
            val_loss, val_acc = run_epoch(model, val_loader, device)
            scheduler.step()
            print(f"[{epoch + 1}/{args.epochs}] loss {train_loss:.4f} acc {train_acc:.4f} | val loss {val_loss:.4f} val acc {val_acc:.4f}")


if __name__ == "__main__":
    main()
