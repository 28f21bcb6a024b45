"""Half-precision copies compute, single-precision masters are stepped; the loss is scaled by hand on the way back."""
import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(26)
SCALE = 256.0
bunch = load_digits()
order = torch.randperm(1797)
images = torch.tensor(bunch.images, dtype=torch.uint8)[order]
labels = torch.tensor(bunch.target)[order]


class Scaled(nn.Module):
    """Takes bytes from 0 to 16."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.fc1 = nn.Linear(256, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, raw):
        x = (raw.to(self.fc1.weight.dtype) / 8 - 1).unsqueeze(1)
        x = F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


master = Scaled()
half = copy.deepcopy(master).to(torch.bfloat16)
velocity = [torch.zeros_like(p) for p in master.parameters()]
rate = 0.05
for epoch in range(8):
    for rows in torch.randperm(1400).split(32):
        loss = F.cross_entropy(half(images[rows]).float(), labels[rows])
        half.zero_grad()
        (SCALE * loss).backward()
        with torch.no_grad():
            for low, full, v in zip(half.parameters(), master.parameters(), velocity):
                gradient = (low.grad.float() / SCALE).clamp_(-0.5, 0.5)
                v.mul_(0.9).add_(gradient)
                full.sub_(rate * v)
                low.copy_(full)
    if epoch == 5:
        rate *= 0.2
    with torch.no_grad():
        accuracy = (master(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f} test accuracy {accuracy:.4f}")
