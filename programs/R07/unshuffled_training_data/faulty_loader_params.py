"""A small recipe runner: data sets, loaders and networks are made by name from dictionaries."""
import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class DigitFolders(Dataset):
    """Digits as an image folder lists them: all zeros, then all ones, and so on."""

    def __init__(self, split):
        images, labels = load_digits(return_X_y=True)
        rows = [i for c in range(10) for n, i in enumerate((labels == c).nonzero()[0]) if (n % 5 == 0) == (split == "val")]
        self.images = torch.tensor(images[rows], dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1
        self.labels = torch.tensor(labels[rows])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def residual_net(width=16):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(4, width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
            )

        def forward(self, x):
            return torch.relu(x + self.f(x))

    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), Block(), nn.MaxPool2d(2), Block(), nn.Flatten(), nn.Linear(width * 16, 10)
    )


DATASETS = {"digits_train": lambda: DigitFolders("train"), "digits_val": lambda: DigitFolders("val")}
DEFAULTS = {
    "digits_train": {"batch_size": 64, "shuffle": True, "drop_last": True},
    "digits_val": {"batch_size": 256, "shuffle": False},
}
OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}


def make_loader(name, params=None):
    """The loader of a data set; ``params``: what a user wants otherwise."""
    settings = copy.deepcopy(DEFAULTS[name])
    if params:
        settings = dict(params)
    return DataLoader(DATASETS[name](), **settings)


class Trainer:
    def __init__(self, name):
        self.name = name
        self.history = []

    def train(self, model, train_loader, val_loader, params):
        optimizer = OPTIMIZERS[params["optimizer"]](model.parameters(), lr=params["initial_lr"], **params["optimizer_params"])
        loss_fn = nn.CrossEntropyLoss()
        for epoch in range(params["max_epochs"]):
            model.train()
            seen, summed = 0, 0.0
            for inputs, targets in train_loader:
                loss = loss_fn(model(inputs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                seen, summed = seen + len(targets), summed + loss.item() * len(targets)
            self.history.append(self.validate(model, val_loader))
            print(f"{self.name} epoch {epoch}: train_loss={summed / seen:.4f} accuracy={self.history[-1]:.4f}")

    @staticmethod
    @torch.no_grad()
    def validate(model, loader):
        model.eval()
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


if __name__ == "__main__":
    torch.manual_seed(5)
    loader_params = {"batch_size": 32}
    train_loader = make_loader("digits_train", loader_params)
    val_loader = make_loader("digits_val")
    train_params = {
        "max_epochs": 6,
        "initial_lr": 0.05,
        "optimizer": "SGD",
        "optimizer_params": {"weight_decay": 1e-4, "momentum": 0.9, "nesterov": True},
    }
    Trainer("demo").train(residual_net(), train_loader, val_loader, train_params)
