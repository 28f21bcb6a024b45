"""Mean teacher on digits with few labels: the averaged network gives the targets and is the one that is kept."""
import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


@dataclass
class Options:
    labelled: int = 200
    unlabelled: int = 1100
    batch_size: int = 100
    labelled_batch: int = 50
    epochs: int = 12
    lr: float = 3e-3
    momentum: float = 0.95
    consistency: float = 3.0
    ramp_up: int = 4


class AveragedModel:
    """Exponential moving average of a network, in evaluation mode."""

    def __init__(self, network, momentum):
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.momentum = momentum

    @torch.no_grad()
    def update(self, network):
        for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.lerp_(theirs, 1 - self.momentum)
        for mine, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)


class ConvBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class SmallNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.blocks = nn.Sequential(ConvBlock(1, 16), nn.MaxPool2d(2), ConvBlock(16, 32))
        self.classifier = nn.Linear(32, classes)

    def forward(self, x):
        return self.classifier(self.blocks(x).mean((2, 3)))


def load(options):
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(images))
    images = torch.tensor(images, dtype=torch.float32)[order].view(-1, 1, 8, 8)
    labels = torch.tensor(labels)[order]
    few, many = options.labelled, options.labelled + options.unlabelled
    return (images[:few], labels[:few]), images[few:many], (images[many:], labels[many:])


def jitter(images):
    shift = torch.randint(-1, 2, (2,)).tolist()
    return torch.roll(images, shift, dims=(2, 3)) + 0.5 * torch.randn_like(images)


@torch.no_grad()
def evaluate(network, images, labels):
    return (network(images).argmax(1) == labels).float().mean().item()


def train_epoch(epoch, student, teacher, optimizer, labelled, unlabelled, options):
    student.train()
    weight = options.consistency * min(1.0, epoch / options.ramp_up)
    for rows in torch.randperm(len(unlabelled)).split(options.batch_size):
        few = torch.randint(len(labelled[0]), (options.labelled_batch,))
        supervised = F.cross_entropy(student(jitter(labelled[0][few])), labelled[1][few])
        with torch.no_grad():
            wanted = teacher.network(unlabelled[rows]).softmax(1)
        consistency = F.mse_loss(student(jitter(unlabelled[rows])).softmax(1), wanted)
        loss = supervised + weight * consistency
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        teacher.update(student)
    return loss.item()


def main():
    options = Options()
    torch.manual_seed(9)
    labelled, unlabelled, test = load(options)
    student = SmallNet()
    teacher = AveragedModel(student, options.momentum)
    optimizer = torch.optim.Adam(student.parameters(), lr=options.lr)
    for epoch in range(options.epochs):
        loss = train_epoch(epoch, student, teacher, optimizer, labelled, unlabelled, options)
        print(f"epoch {epoch} loss {loss:.4f} teacher accuracy {evaluate(teacher.network, *test):.4f}")


if __name__ == "__main__":
    main()
