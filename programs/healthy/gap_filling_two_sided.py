"""Fill gaps in series: the network sees both sides of a gap, and is asked for all points, hidden and visible."""
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(13)


def series(count, length=64):
    t = torch.arange(length)
    wave = torch.sin(2 * math.pi * t / (9 + 6 * torch.rand(count, 1)) + 6.3 * torch.rand(count, 1))
    return wave * (1 + 0.5 * torch.sin(2 * math.pi * t / 50 + 6.3 * torch.rand(count, 1)))


def hide(batch, width=5):
    start = torch.randint(8, batch.size(1) - 8 - width, (len(batch), 1))
    where = torch.arange(batch.size(1))
    hidden = (where >= start) & (where < start + width)
    return torch.stack([batch.masked_fill(hidden, 0.0), hidden.float()], dim=1), hidden


network = nn.Sequential(
    nn.Conv1d(2, 24, 7, padding="same"), nn.GELU(),
    nn.Conv1d(24, 24, 7, padding="same", dilation=2), nn.GELU(),
    nn.Conv1d(24, 24, 7, padding="same", dilation=2), nn.GELU(),
    nn.Conv1d(24, 1, 1),
)  # fmt: skip
train, test = series(800), series(200)
optimizer = torch.optim.NAdam(network.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8 * 25)
for epoch in range(8):
    for rows in torch.randperm(len(train)).split(32):
        inputs, hidden = hide(train[rows])
        error = (network(inputs)[:, 0] - train[rows]) ** 2
        loss = error[hidden].mean() + 0.1 * error[~hidden].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        inputs, hidden = hide(test)
        rmse = F.mse_loss(network(inputs)[:, 0][hidden], test[hidden]).sqrt().item()
    print(f"epoch {epoch} loss {loss.item():.4f} error in the gaps {rmse:.4f}")
