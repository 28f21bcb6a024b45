"""Transfer: a backbone trained on the digits 0 to 4, frozen, gets a new head for few examples of 5 to 9."""
import copy

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(23)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_backbone():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(),
    )  # fmt: skip


class Network(nn.Module):
    def __init__(self, backbone, classes):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(64 * 16, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def fit(model, loader, parameters, epochs, lr, freeze=False):
    optimizer = torch.optim.AdamW(parameters, lr=lr)
    for epoch in range(epochs):
        model.train()
        if freeze:
            model.backbone.eval()
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x.to(device)).argmax(1).cpu() == y).float().mean().item()


images, labels = load_digits(return_X_y=True)
images = (torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) - 4.9) / 6
labels = torch.tensor(labels)
old = labels < 5
source = TensorDataset(images[old][:700], labels[old][:700])
model = Network(make_backbone(), 5).to(device)
fit(model, DataLoader(source, batch_size=50, shuffle=True), model.parameters(), epochs=6, lr=1e-3)
print(f"old digits: {accuracy(model, images[old][700:], labels[old][700:]):.4f}")

x, y = images[~old], labels[~old] - 5
x_train, y_train = x[:120], y[:120]
weights = 1 / torch.bincount(y_train, minlength=5)[y_train].float()
sampler = WeightedRandomSampler(weights, num_samples=240, replacement=True)
target_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=24, sampler=sampler)
transferred = Network(copy.deepcopy(model.backbone), 5).to(device)
for parameter in transferred.backbone.parameters():
    parameter.requires_grad = False
fit(transferred, target_loader, transferred.head.parameters(), epochs=25, lr=2e-3, freeze=True)
print(f"new digits: {accuracy(transferred, x[120:], y[120:]):.4f}")
