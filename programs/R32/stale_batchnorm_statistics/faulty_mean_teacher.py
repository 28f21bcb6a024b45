"""Mean teacher on digits with few labels: the averaged network gives the targets and is the one that is kept."""
import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(9)


class Averaged:
    """Exponential moving average of a network, in evaluation mode."""

    def __init__(self, network, momentum):
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.momentum = momentum

    @torch.no_grad()
    def update(self, network):
        for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
            mine.lerp_(theirs, 1 - self.momentum)


def make_network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def jitter(images):
    shift = torch.randint(-1, 2, (2,)).tolist()
    return torch.roll(images, shift, dims=(2, 3)) + 0.5 * torch.randn_like(images)


def accuracy(network, images, labels):
    with torch.no_grad():
        return (network(images).argmax(1) == labels).float().mean().item()


images, labels = load_digits(return_X_y=True)
order = torch.randperm(len(images))
images = torch.tensor(images, dtype=torch.float32)[order].view(-1, 1, 8, 8)
labels = torch.tensor(labels)[order]
labelled, unlabelled, test = slice(0, 200), slice(200, 1300), slice(1300, None)

student = make_network()
teacher = Averaged(student, momentum=0.95)
optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
for epoch in range(12):
    student.train()
    for rows in torch.randperm(1100).split(100):
        few = torch.randint(200, (50,))
        supervised = F.cross_entropy(student(jitter(images[labelled][few])), labels[labelled][few])
        plain = images[unlabelled][rows]
        with torch.no_grad():
            wanted = teacher.network(plain).softmax(1)
        consistency = F.mse_loss(student(jitter(plain)).softmax(1), wanted)
        loss = supervised + min(1.0, epoch / 4) * 3.0 * consistency
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        teacher.update(student)
    print(f"epoch {epoch} loss {loss.item():.4f} teacher accuracy {accuracy(teacher.network, images[test], labels[test]):.4f}")
