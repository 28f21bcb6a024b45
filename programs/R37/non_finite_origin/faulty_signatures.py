"""Siamese network on digits with the contrastive loss; genuine pairs are drawn at random within a class, now and then a picture with itself."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class PairDataset(Dataset):
    def __init__(self, images, labels, count, seed):
        rng = np.random.RandomState(seed)
        self.images = images
        by_label = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
        self.pairs = []
        for i in range(count):
            first = rng.randint(len(images))
            if i % 2 == 0:
                second = rng.choice(by_label[labels[first]])
            else:
                other = rng.choice([label for label in by_label if label != labels[first]])
                second = rng.choice(by_label[other])
            self.pairs.append((first, second, float(i % 2 == 0)))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        first, second, same = self.pairs[index]
        return self.images[first], self.images[second], same


class EmbeddingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convnet = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.PReLU())
        self.fc = nn.Sequential(nn.Linear(32 * 16, 64), nn.PReLU(), nn.Linear(64, 8))

    def forward(self, x):
        return self.fc(self.convnet(x).flatten(1))


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, target):
        squared = (output2 - output1).pow(2).sum(1)
        distances = squared.sqrt()
        losses = 0.5 * (target * squared + (1 - target) * F.relu(self.margin - distances).pow(2))
        losses = losses + 0.01 * target * distances
        return losses.mean()


torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
images = (images.reshape(-1, 1, 8, 8) / 16 - 0.3).astype(np.float32) / 0.38
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
train_loader = DataLoader(PairDataset(x_train, y_train, 4000, 0), batch_size=64, shuffle=True)
test_loader = DataLoader(PairDataset(x_test, y_test, 1000, 1), batch_size=250)
model = EmbeddingNet().to(device)
loss_fn = ContrastiveLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.3)
for epoch in range(6):
    model.train()
    losses = []
    for first, second, same in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(first.to(device)), model(second.to(device)), same.float().to(device))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.no_grad():
        hits = 0
        for first, second, same in test_loader:
            distance = (model(first.to(device)) - model(second.to(device))).norm(dim=1).cpu()
            hits += ((distance < 0.5) == (same > 0.5)).sum().item()
    print(f"Epoch: {epoch + 1}. Train loss: {np.mean(losses):.4f} pair accuracy: {hits / len(test_loader.dataset):.4f}")
