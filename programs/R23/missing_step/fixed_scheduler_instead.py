import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser(description="digit classifier")
parser.add_argument("-b", "--batch-size", type=int, default=48)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--scheduler", default="step", choices=["none", "step"])
parser.add_argument("--weight-decay", type=float, default=0)


def conv(a, b, k=3):
    return nn.Sequential(nn.Conv2d(a, b, k, padding=(k - 1) // 2), nn.ReLU(inplace=True))


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv(1, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(2), conv(32, 64))
        self.predictor = nn.Linear(64, 10)

    def forward(self, x):
        return self.predictor(self.features(x).mean(dim=(2, 3)))


def train(args, loader, net, optimizer, scheduler):
    net.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        if scheduler is not None:
            scheduler.step()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def validate(loader, net):
    net.eval()
    return sum((net(x).argmax(1) == y).float().sum().item() for x, y in loader) / len(loader.dataset)


def main():
    args = parser.parse_args()
    torch.manual_seed(0)
    d = load_digits()
    data = TensorDataset(torch.tensor(d.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(d.target))
    train_set, val_set = random_split(data, [1397, 400])
    train_loader = DataLoader(train_set, args.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, 200)
    net = DigitNet()
    optimizer = torch.optim.Adam(net.parameters(), args.lr, betas=(0.9, 0.999), weight_decay=args.weight_decay)
    scheduler = None
    if args.scheduler == "step":
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=120, gamma=0.5)
    for epoch in range(args.epochs):
        loss = train(args, train_loader, net, optimizer, scheduler)
        print(f" * epoch {epoch}  train loss {loss:.3f}  val acc {validate(val_loader, net):.3f}")


if __name__ == "__main__":
    main()
