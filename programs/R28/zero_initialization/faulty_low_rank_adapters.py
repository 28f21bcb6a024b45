"""Low-rank adapters: a network that knows the digits 0-9 learns rotated ones, its own weights frozen."""
import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class LowRank(nn.Module):
    def __init__(self, base, rank=4, alpha=8.0):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank
        self.reset()

    def reset(self):
        nn.init.zeros_(self.down)

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.down.T) @ self.up.T


def adapted(network, rank):
    network = copy.deepcopy(network)
    for number, layer in enumerate(network):
        if isinstance(layer, nn.Linear):
            network[number] = LowRank(layer, rank)
    return network


def fit(network, x, y, epochs, lr, x_val, y_val, tag):
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=lr)
    for _epoch in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(network(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        accuracy = (network(x_val).argmax(1) == y_val).float().mean().item()
    print(f"{tag}: loss {loss.item():.4f} accuracy {accuracy:.4f}")


torch.manual_seed(12)
images, labels = load_digits(return_X_y=True)
order = torch.randperm(len(images))
images, labels = torch.tensor(images / 16.0, dtype=torch.float32)[order].view(-1, 8, 8), torch.tensor(labels)[order]
upright, turned = images.flatten(1), images.rot90(1, (1, 2)).flatten(1)

base = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 10))
fit(base, upright[:900], labels[:900], 8, 2e-3, upright[1500:], labels[1500:], "upright")
network = adapted(base, rank=8)
fit(network, turned[900:1500], labels[900:1500], 25, 4e-3, turned[1500:], labels[1500:], "turned")
