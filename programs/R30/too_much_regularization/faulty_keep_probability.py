"""Ported from an older framework, layer by layer."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HPARAMS = {"conv": (16, 32), "dense": 64, "keep": 0.9, "lr": 1e-3, "batch": 40, "epochs": 7}


class Port(nn.Module):
    def __init__(self, hp):
        super().__init__()
        a, b = hp["conv"]
        self.conv1, self.conv2 = nn.Conv2d(1, a, 3, padding=1), nn.Conv2d(a, b, 3, padding=1)
        self.pool, self.act = nn.MaxPool2d(2), nn.ReLU()
        self.fc1, self.fc2 = nn.Linear(b * 4, hp["dense"]), nn.Linear(hp["dense"], 10)
        self.drop1, self.drop2 = nn.Dropout(hp["keep"]), nn.Dropout(hp["keep"])

    def forward(self, x):
        x = self.pool(self.act(self.conv1(x)))
        x = self.drop1(self.pool(self.act(self.conv2(x))).flatten(1))
        return self.fc2(self.drop2(self.act(self.fc1(x))))


def data(hp):
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    full = TensorDataset(images, torch.tensor(labels))
    train, test = torch.utils.data.random_split(full, [1400, 397], torch.Generator().manual_seed(1))
    return DataLoader(train, hp["batch"], shuffle=True), DataLoader(test, 397)


torch.manual_seed(1)
train, test = data(HPARAMS)
model = Port(HPARAMS)
optimizer = torch.optim.Adam(model.parameters(), lr=HPARAMS["lr"], betas=(0.9, 0.99))
for epoch in range(HPARAMS["epochs"]):
    model.train()
    for images, labels in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    images, labels = next(iter(test))
    with torch.no_grad():
        accuracy = (model(images).argmax(-1) == labels).double().mean().item()
    print({"epoch": epoch, "loss": round(loss.item(), 4), "test_acc": round(accuracy, 4)})
