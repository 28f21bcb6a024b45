"""Do two pictures show the same digit? A siamese network with a contrastive loss."""
import random

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class PairDataset(Dataset):
    def __init__(self, images, labels, n, seed):
        self.images, self.n = images, n
        chooser = random.Random(seed)
        by_class = {c: [i for i, y in enumerate(labels.tolist()) if y == c] for c in range(10)}
        self.pairs = []
        for k in range(n):
            first = chooser.randrange(10)
            second = first if k % 2 == 0 else chooser.choice([c for c in range(10) if c != first])
            self.pairs.append((chooser.choice(by_class[first]), chooser.choice(by_class[second]), float(first != second)))

    def __getitem__(self, k):
        a, b, different = self.pairs[k]
        return self.images[a], self.images[b], torch.tensor([different])

    def __len__(self):
        return self.n


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
            nn.Conv2d(8, 16, 3, padding=1, stride=2), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        )
        self.fc1 = nn.Sequential(nn.Linear(16 * 16, 64), nn.ReLU(inplace=True), nn.Linear(64, 6))

    def forward_once(self, x):
        return self.fc1(self.cnn1(x).flatten(1))

    def forward(self, one, two):
        return self.forward_once(one), self.forward_once(two)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        euclidean = F.pairwise_distance(output1, output2)
        near = (1 - label) * euclidean.pow(2)
        far = label * torch.clamp(self.margin - euclidean, min=0.0).pow(2)
        return torch.mean(near + far)


torch.manual_seed(0)
bunch = load_digits()
images = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
labels = torch.tensor(bunch.target)
order = torch.randperm(len(images))
images, labels = images[order], labels[order]
train = DataLoader(PairDataset(images[:1400], labels[:1400], 2400, seed=1), batch_size=64, shuffle=True)
test = DataLoader(PairDataset(images[1400:], labels[1400:], 600, seed=2), batch_size=200)

net = SiameseNetwork()
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    net.train()
    for img0, img1, label in train:
        optimizer.zero_grad()
        loss_contrastive = criterion(*net(img0, img1), label)
        loss_contrastive.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = 0
        for img0, img1, label in test:
            distance = F.pairwise_distance(*net(img0, img1))
            right += ((distance > 1.0).float() == label.squeeze(1)).sum().item()
    print(f"Epoch number {epoch}  current loss {loss_contrastive.item():.4f}  test accuracy of pairs {right / 600:.4f}")
