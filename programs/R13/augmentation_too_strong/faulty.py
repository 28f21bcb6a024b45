"""Digits with noise added to every training image."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self, images, labels, noise=6.0):
        self.images, self.labels, self.noise = images, labels, noise

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i] + self.noise * torch.randn_like(self.images[i]), self.labels[i]


torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)
order = torch.randperm(len(images))
images, labels = images[order], labels[order]
images = (images - images[:1300].mean()) / images[:1300].std()
train_loader = DataLoader(NoisyDigits(images[:1300], labels[:1300]), batch_size=50, shuffle=True)
val_loader = DataLoader(NoisyDigits(images[1300:], labels[1300:], noise=0.0), batch_size=497)

model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(),
                      nn.Flatten(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(7):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader)
    print(f"epoch {epoch}: train loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
