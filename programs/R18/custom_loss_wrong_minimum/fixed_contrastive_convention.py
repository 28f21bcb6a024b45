import random

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class SiameseDataset(Dataset):
    """Pairs; label 1: two images of the same digit, 0: different digits."""

    def __init__(self, images, targets, length, seed):
        self.images, self.length = images, length
        self.rng = random.Random(seed)
        self.by_class = {c: (targets == c).nonzero().flatten().tolist() for c in range(10)}
        self.pairs = [self.draw(i % 2) for i in range(length)]

    def draw(self, same):
        a = self.rng.randrange(10)
        b = a if same else self.rng.choice([c for c in range(10) if c != a])
        return self.rng.choice(self.by_class[a]), self.rng.choice(self.by_class[b]), float(same)

    def __len__(self):
        return self.length

    def __getitem__(self, k):
        i, j, same = self.pairs[k]
        return self.images[i], self.images[j], torch.tensor(same)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        d = F.pairwise_distance(output1, output2)
        loss = label * d.pow(2) + (1 - label) * torch.clamp(self.margin - d, min=0.0).pow(2)
        return loss.mean()


torch.manual_seed(5)
d = load_digits()
images = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
targets = torch.tensor(d.target)
train_loader = DataLoader(SiameseDataset(images[:1200], targets[:1200], 1600, 0), batch_size=32, shuffle=True)
test_loader = DataLoader(SiameseDataset(images[1200:], targets[1200:], 400, 1), batch_size=100)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 8)
)
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5):
    for img0, img1, label in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(img0), net(img1), label)
        loss.backward()
        optimizer.step()
    right = 0
    with torch.no_grad():
        for img0, img1, label in test_loader:
            distance = F.pairwise_distance(net(img0), net(img1))
            right += ((distance < 1.0).float() == label).sum().item()
    print(f"Epoch {epoch}\n Current loss {loss.item():.4f}\n pairs right {right / 400:.3f}")
