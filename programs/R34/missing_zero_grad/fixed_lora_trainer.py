"""Adapt a trained network to turned pictures with low-rank additions to its layers."""
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


@dataclass
class TrainingConfig:
    learning_rate: float = 0.05
    momentum: float = 0.0
    batch_size: int = 32
    num_epochs: int = 10
    rank: int = 6
    log_every: int = 50
    targets: list = field(default_factory=lambda: ["0", "2"])


class LoRALinear(nn.Module):
    def __init__(self, base, rank):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + x @ self.a.t() @ self.b.t()


class DeviceManager:
    """What is done to tensors and optimizers on a device."""

    def __init__(self, device="cpu"):
        self.device = torch.device(device)

    def prepare(self, *tensors):
        return [tensor.to(self.device) for tensor in tensors]

    def optimizer_step(self, optimizer, zero_grad=False):
        optimizer.step()
        if zero_grad:
            optimizer.zero_grad()


class Trainer:
    def __init__(self, model, config, manager):
        self.model, self.config, self.manager = model, config, manager
        trainable = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trainable, lr=config.learning_rate, momentum=config.momentum)
        self.step = 0

    def train(self, x, y, x_eval, y_eval):
        for epoch in range(self.config.num_epochs):
            self.model.train()
            for rows in torch.randperm(len(x)).split(self.config.batch_size):
                inputs, labels = self.manager.prepare(x[rows], y[rows])
                loss = F.cross_entropy(self.model(inputs), labels)
                loss.backward()
                self.manager.optimizer_step(self.optimizer, zero_grad=True)
                self.step += 1
                if self.step % self.config.log_every == 0:
                    print(f"step {self.step} loss {loss.item():.4f}")
            print(f"epoch {epoch} eval accuracy {self.evaluate(x_eval, y_eval):.4f}")

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        return (self.model(x).argmax(1) == y).float().mean().item()


def pretrain(model, x, y):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(150):
        rows = torch.randint(len(x), (64,))
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main():
    torch.manual_seed(0)
    config = TrainingConfig()
    images, labels = load_digits(return_X_y=True)
    images, labels = torch.tensor(images, dtype=torch.float32).view(-1, 8, 8) / 8 - 0.6, torch.tensor(labels)
    order = torch.randperm(len(images))
    images, labels = images[order], labels[order]
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    pretrain(model, images[:1300].flatten(1), labels[:1300])
    for name in config.targets:
        model._modules[name] = LoRALinear(model._modules[name], config.rank)
    turned = images.transpose(1, 2).flatten(1)
    Trainer(model, config, DeviceManager()).train(turned[:1300], labels[:1300], turned[1300:], labels[1300:])


if __name__ == "__main__":
    main()
