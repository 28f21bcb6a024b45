"""Handwritten digits with a small convolutional network; the rate is cut when validation stands still."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.classify = nn.Linear(8 * 16, 10)

    def forward(self, images):
        return self.classify(self.features(images).flatten(1))


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    hits = [(model(x).argmax(1) == y).float() for x, y in loader]
    return torch.cat(hits).mean().item()


torch.manual_seed(21)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16 - 0.3
x_train, x_val, y_train, y_val = train_test_split(images, torch.tensor(digits.target), test_size=0.25, random_state=21)
train = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
val = DataLoader(TensorDataset(x_val, y_val), batch_size=150)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
scheduler = ReduceLROnPlateau(optimizer, factor=0.3, patience=1)
for epoch in range(14):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    score = accuracy(model, val)
    scheduler.step(score)
print(f"rate {optimizer.param_groups[0]['lr']:.1e}, validation accuracy {score:.4f}")
