"""A coordinate network that memorizes a photograph: (row, column) -> standardized RGB."""
import math

import torch
from skimage.data import astronaut
from torch import nn

torch.manual_seed(0)

image = torch.tensor(astronaut(), dtype=torch.float32).view(64, 8, 64, 8, 3).mean(dim=(1, 3))
height, width, _ = image.shape
rows, cols = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
coordinates = torch.stack([rows, cols], dim=-1).view(-1, 2)
colors = image.view(-1, 3)
permutation = torch.randperm(len(colors))
train, val = permutation[:3600], permutation[3600:]
mean, std = colors[train].mean(0), colors[train].std(0)
targets = (colors - mean) / std
frequencies = 2 ** torch.arange(4) * math.pi


def encode(xy):
    angles = (xy.unsqueeze(-1) * frequencies).flatten(1)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


model = nn.Sequential(
    nn.Linear(16, 128),
    nn.ReLU(),
    nn.Linear(128, 128),
    nn.ReLU(),
    nn.Linear(128, 3),
    nn.Sigmoid(),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
inputs = encode(coordinates)

for epoch in range(8):
    for batch in train[torch.randperm(len(train))].split(90):
        loss = nn.functional.mse_loss(model(inputs[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = (model(inputs[val]) - targets[val]) * std
    psnr = 10 * math.log10(255**2 / error.square().mean().item())
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation psnr {psnr:.2f}")
