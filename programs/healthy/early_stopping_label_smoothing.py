"""Trainer class with label smoothing, early stopping and the best weights restored at the end."""

import copy

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Trainer:
    def __init__(self, model, patience=3):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.patience = patience
        self.best, self.best_state, self.bad_epochs = float("inf"), None, 0

    def train_epoch(self, loader):
        self.model.train()
        for x, y in loader:
            self.optimizer.zero_grad()
            loss = self.loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        logits = self.model(x)
        return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    def fit(self, loader, x_val, y_val, max_epochs=25):
        for epoch in range(max_epochs):
            train_loss = self.train_epoch(loader)
            val_loss, accuracy = self.evaluate(x_val, y_val)
            print(f"epoch {epoch}: train {train_loss:.3f} val {val_loss:.3f} accuracy {accuracy:.3f}")
            if val_loss < self.best - 1e-3:
                self.best, self.bad_epochs = val_loss, 0
                self.best_state = copy.deepcopy(self.model.state_dict())
            else:
                self.bad_epochs += 1
                if self.bad_epochs >= self.patience:
                    print("stopping early")
                    break
        self.model.load_state_dict(self.best_state)


def main():
    torch.manual_seed(33)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32)
    x, x_val, y, y_val = train_test_split(x, torch.tensor(digits.target), test_size=0.2, random_state=33)
    mean, std = x.mean(), x.std()
    loader = DataLoader(TensorDataset((x - mean) / std, y), batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))
    trainer = Trainer(model)
    trainer.fit(loader, (x_val - mean) / std, y_val)
    print("final accuracy", trainer.evaluate((x_val - mean) / std, y_val)[1])


if __name__ == "__main__":
    main()
