"""A default trainer, put together from an experiment's settings."""
import random
from types import SimpleNamespace

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

EXPERIMENT = {
    "seed": 21,
    "model": {"name": "shufflish", "channels": [16, 32]},
    "dataset": {"train": slice(0, 1400), "eval": slice(1400, None), "batch_size": 28},
    "trainer": {
        "epoch": 8,
        "optimizer": {"method": "SGD", "args": {"lr": 0.08, "momentum": 0.9, "weight_decay": 1e-4}},
        "lr_scheduler": {"method": "StepLR", "args": {"step_size": 3, "gamma": 0.3}},
    },
}


class DigitData(Dataset):
    def __init__(self, part, augment=False):
        bunch = load_digits()
        order = torch.randperm(len(bunch.target), generator=torch.Generator().manual_seed(0))[part]
        self.images = torch.tensor(bunch.images, dtype=torch.float32)[order, None] / 16
        self.targets = torch.tensor(bunch.target)[order]
        self.augment = augment

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image = self.images[index]
        if self.augment and random.random() < 0.4:
            image = torch.roll(image, random.choice((-1, 1)), dims=random.choice((1, 2)))
        return image, self.targets[index]


class Unit(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.depth = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
        self.point = nn.Conv2d(inputs, outputs, 1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return torch.relu(self.norm(self.point(self.depth(x))))


def create_model(channels, name):
    assert name == "shufflish"
    first, second = channels
    return nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1), nn.ReLU(), Unit(first, first), nn.MaxPool2d(2), Unit(first, second), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(second * 4, 10),
    )


def create_optimizer(parameters, method, args):
    return getattr(torch.optim, method)(parameters, **args)


def create_scheduler(optimizer, method, args):
    return getattr(torch.optim.lr_scheduler, method)(optimizer, **args)


class DefaultTrainer:
    def __init__(self, settings, model, loader, criterion):
        self.model, self.loader, self.criterion = model, loader, criterion
        self.optimizer = create_optimizer(model.parameters(), **settings["optimizer"])
        self.scheduler = create_scheduler(self.optimizer, **settings["lr_scheduler"])

    def train(self, epoch):
        self.model.train()
        losses = []
        for inputs, targets in self.loader:
            loss = self.criterion(self.model(inputs), targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        self.scheduler.step()
        return SimpleNamespace(epoch=epoch, loss=sum(losses) / len(losses), lr=self.optimizer.param_groups[0]["lr"])


@torch.no_grad()
def validate(model, loader):
    model.eval()
    return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


def run(experiment):
    random.seed(experiment["seed"])
    torch.manual_seed(experiment["seed"])
    size = experiment["dataset"]["batch_size"]
    train_loader = DataLoader(DigitData(experiment["dataset"]["train"], augment=True), size, shuffle=True)
    eval_loader = DataLoader(DigitData(experiment["dataset"]["eval"]), 200)
    model = create_model(**experiment["model"])
    trainer = DefaultTrainer(experiment["trainer"], model, train_loader, nn.CrossEntropyLoss())
    for epoch in range(experiment["trainer"]["epoch"]):
        result = trainer.train(epoch)
        print(f"[{result.epoch}] lr={result.lr:.2e} loss={result.loss:.4f} val_acc={validate(model, eval_loader):.4f}")


if __name__ == "__main__":
    run(EXPERIMENT)
