import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class PairDataset(Dataset):
    """Two scans and whether they show the same digit. Partners are drawn anew each time."""

    def __init__(self, x, y, seed):
        self.x, self.y = x, y
        self.rng = np.random.default_rng(seed)
        self.by_class = [np.flatnonzero(y == k) for k in range(10)]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        same = self.rng.random() < 0.5
        k = self.y[i] if same else (self.y[i] + self.rng.integers(1, 10)) % 10
        j = self.rng.choice(self.by_class[k])
        return self.x[i], self.x[j], np.float32(same)


class Tower(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, dim))

    def forward(self, x):
        return self.net(x)


def pair_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-8)


def contrastive(dist, same, margin=2.0):
    return (same * dist ** 2 + (1 - same) * torch.relu(margin - dist) ** 2).mean()


def verification_accuracy(model, loader):
    model.eval()
    ok = n = 0
    with torch.no_grad():
        for a, b, same in loader:
            ok += ((pair_distance(model(a), model(b)) < 1.0) == same.bool()).sum().item()
            n += len(same)
    return ok / n


def main():
    torch.manual_seed(19)
    digits = load_digits()
    x = (digits.data / 16.0).astype(np.float32)
    train = DataLoader(PairDataset(x[:1400], digits.target[:1400], 1), batch_size=50, shuffle=True)
    test = DataLoader(PairDataset(x[1400:], digits.target[1400:], 2), batch_size=100)
    model = Tower()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(30):
        model.train()
        losses = []
        for a, b, same in train:
            loss = contrastive(pair_distance(model(a), model(b)), same)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} pair_acc {verification_accuracy(model, test):.4f}")


main()
