"""
Signature verification with a siamese network (contrastive loss).
Signatures are rendered pen strokes; genuine pairs come from the same writer.
"""
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE, WRITERS, PER_WRITER = 20, 24, 12


def render(coeffs, rng):
    t = np.linspace(0, 2 * np.pi, 120)
    c = coeffs + rng.normal(0, 0.05, coeffs.shape)
    x = sum(c[0, k] * np.cos((k + 1) * t + c[1, k]) for k in range(3))
    y = sum(c[2, k] * np.sin((k + 1) * t + c[3, k]) for k in range(3))
    x = (x - x.min()) / (np.ptp(x) + 1e-6) * (SIZE - 5) + 2
    y = (y - y.min()) / (np.ptp(y) + 1e-6) * (SIZE - 5) + 2
    img = np.zeros((SIZE, SIZE), np.float32)
    for a, b in zip(x, y):
        i, j = int(b), int(a)
        img[i, j] = 1.0
        img[i, min(j + 1, SIZE - 1)] = max(img[i, min(j + 1, SIZE - 1)], 0.6)
    return img


def make_archive(seed):
    rng = np.random.default_rng(seed)
    archive = []
    for _ in range(WRITERS):
        coeffs = np.stack([rng.uniform(0.3, 1, 3), rng.uniform(0, 6.28, 3), rng.uniform(0.3, 1, 3), rng.uniform(0, 6.28, 3)])
        archive.append(np.stack([render(coeffs, rng) for _ in range(PER_WRITER)]))
    return torch.tensor(np.array(archive)).unsqueeze(2)


class PairDataset(Dataset):
    """Half genuine, half forged (other writer) pairs."""

    def __init__(self, archive, n_pairs, seed):
        rnd = random.Random(seed)
        self.archive = archive
        self.pairs = []
        for _ in range(n_pairs):
            w = rnd.randrange(WRITERS)
            if rnd.random() < 0.5:
                self.pairs.append((w, rnd.randrange(PER_WRITER), w, rnd.randrange(PER_WRITER), 0.0))
            else:
                v = rnd.choice([k for k in range(WRITERS) if k != w])
                self.pairs.append((w, rnd.randrange(PER_WRITER), v, rnd.randrange(PER_WRITER), 1.0))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        w1, a, w2, b, forged = self.pairs[i]
        return self.archive[w1, a], self.archive[w2, b], torch.tensor(forged)


class SiameseNet(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(24 * 25, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, a, b):
        ea, eb = self.fc(self.cnn(a)), self.fc(self.cnn(b))
        return torch.sqrt(((ea - eb) ** 2).sum(dim=1))


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, dist, forged):
        same = (1 - forged) * dist.pow(2)
        other = forged * torch.clamp(self.margin - dist, min=0).pow(2)
        return 0.5 * (same + other).mean()


def verification_accuracy(model, loader, threshold=0.5):
    model.eval()
    ok = n = 0
    with torch.no_grad():
        for a, b, forged in loader:
            ok += ((model(a, b) > threshold).float() == forged).sum().item()
            n += len(forged)
    return ok / n


def main():
    torch.manual_seed(0)
    train_archive, test_archive = make_archive(1), make_archive(2)      # other people in the test
    train_loader = DataLoader(PairDataset(train_archive, 2000, 1), batch_size=32, shuffle=True)
    test_loader = DataLoader(PairDataset(test_archive, 500, 2), batch_size=250)
    net = SiameseNet()
    criterion = ContrastiveLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(8):
        net.train()
        total = 0.0
        for a, b, forged in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(a, b), forged)
            loss.backward()
            optimizer.step()
            total += loss.item()
        acc = verification_accuracy(net, test_loader)
        print(f"Epoch {epoch + 1}, contrastive loss: {total / len(train_loader):.4f}, verification acc: {acc:.4f}")


if __name__ == "__main__":
    main()
