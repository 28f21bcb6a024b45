"""A convolutional network on digits whose pixels are standardized one by one."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)


class Digits(Dataset):
    def __init__(self, rows, mean=None, std=None):
        digits = load_digits()
        images = digits.images[rows].astype("float32")
        self.labels = digits.target[rows]
        self.mean = images.mean(axis=0) if mean is None else mean
        self.std = images.std(axis=0) if std is None else std
        self.images = (images - self.mean) / self.std

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.from_numpy(self.images[i]).unsqueeze(0), self.labels[i]


order = np.random.default_rng(0).permutation(1797)
train_set = Digits(order[:1300])
val_set = Digits(order[1300:], train_set.mean, train_set.std)
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
val_loader = DataLoader(val_set, batch_size=250)
model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(),
                      nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch} loss {loss.item():.3f} val accuracy {correct / len(val_set):.3f}")
