import logging
import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logger = logging.getLogger("trainer")
logger.addHandler(logging.StreamHandler(sys.stdout))
logger.setLevel(logging.INFO)


class LeNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)
        )
        self.classifier = nn.Sequential(nn.Linear(64, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, num_classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Trainer:
    def __init__(self, model, train_loader, val_loader, config):
        self.model, self.train_loader, self.val_loader, self.config = model, train_loader, val_loader, config
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
        self.history = []

    def train_epoch(self):
        self.model.train()
        running = 0.0
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            running += loss.item()
        return running / len(self.train_loader)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        correct = total = 0
        for x, y in self.val_loader:
            _, predicted = torch.max(self.model(x), 1)
            total += y.size(0)
            correct += (predicted == y).sum().item()
        return correct / total

    def fit(self):
        for epoch in range(self.config["epochs"]):
            loss, acc = self.train_epoch(), self.evaluate()
            self.history.append((loss, acc))
            logger.info("epoch %d loss %.4f accuracy %.4f", epoch, loss, acc)


CONFIG = {
    "epochs": 8,
    "batch_size": 32,
    "lr": 0.05,
    "seed": 3,
}


def build(config):
    torch.manual_seed(config["seed"])
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X.reshape(-1, 1, 8, 8) / 16.0, dtype=torch.float32)
    X_tr, X_va, y_tr, y_va = train_test_split(X, torch.tensor(y), test_size=0.2, random_state=config["seed"])
    train = DataLoader(TensorDataset(X_tr, y_tr), batch_size=config["batch_size"], shuffle=True)
    return Trainer(LeNet(), train, DataLoader(TensorDataset(X_va, y_va), batch_size=256), config)


if __name__ == "__main__":
    build(CONFIG).fit()
