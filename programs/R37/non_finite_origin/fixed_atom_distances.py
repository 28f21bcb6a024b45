"""Energy of small clusters of atoms from their positions, by message passing over distances."""
import torch
from torch import nn

torch.manual_seed(7)
ATOMS = 5


def clusters(count):
    positions = 1.4 * torch.randn(count, ATOMS, 3)
    pairs = torch.triu_indices(ATOMS, ATOMS, 1)
    distance = (positions[:, pairs[0]] - positions[:, pairs[1]]).norm(dim=-1)
    energy = (torch.exp(-distance) * 4 - torch.exp(-((distance - 2) ** 2))).sum(1)
    return positions, energy


class Interaction(nn.Module):
    def __init__(self, width=24, centres=12):
        super().__init__()
        self.register_buffer("centres", torch.linspace(0, 6, centres))
        self.message = nn.Sequential(nn.Linear(centres + width, width), nn.SiLU(), nn.Linear(width, width))
        self.update = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU())
        self.shift = nn.Linear(width, 1)

    def forward(self, h, positions):
        offsets = positions[:, :, None] - positions[:, None]
        distance = (offsets.pow(2).sum(-1) + 1e-8).sqrt()
        basis = torch.exp(-4 * (distance[..., None] - self.centres) ** 2)
        neighbours = h[:, None].expand(-1, ATOMS, -1, -1)
        messages = self.message(torch.cat([basis, neighbours], dim=-1))
        off_diagonal = 1 - torch.eye(ATOMS)[None, :, :, None]
        h = self.update(torch.cat([h, (messages * off_diagonal).sum(2)], dim=-1))
        positions = positions + 0.05 * (offsets * self.shift(messages).tanh() * off_diagonal).sum(2)
        return h, positions


class EnergyModel(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.start = nn.Parameter(0.5 * torch.randn(width))
        self.layers = nn.ModuleList([Interaction(width) for _ in range(2)])
        self.readout = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, positions):
        h = self.start.expand(len(positions), ATOMS, -1)
        for layer in self.layers:
            h, positions = layer(h, positions)
        return self.readout(h).sum((1, 2))


positions, energy = clusters(1800)
energy = (energy - energy[:1500].mean()) / energy[:1500].std()
model = EnergyModel()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.mse_loss(model(positions[rows]), energy[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = (model(positions[1500:]) - energy[1500:]).pow(2).mean().sqrt().item()
    print(f"epoch {epoch} loss {loss.item():.4f} validation rmse {error:.4f}")
