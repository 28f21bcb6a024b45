"""Warns of a failing pump from a window of its vibrations."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(3)
STEPS = torch.arange(96) / 96


def record(faulty):
    wave = torch.sin(2 * torch.pi * (6 * STEPS + torch.rand(1)))
    if faulty:
        wave = wave + 0.5 * torch.sin(2 * torch.pi * (17 * STEPS + torch.rand(1)))
    return wave + 0.4 * torch.randn(96)


failing = torch.rand(2400) < 0.4
waves = torch.stack([record(bool(flag)) for flag in failing])[:, None]
train, test = random_split(TensorDataset(waves, failing.float()), [2000, 400])


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 9, padding=4), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        )
        self.head = nn.Linear(32, 1)

    def forward(self, wave):
        return self.head(self.layers(wave)).squeeze(1)


model = Detector()
loss_fn = nn.SoftMarginLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    model.train()
    for wave, label in DataLoader(train, batch_size=50, shuffle=True):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(wave), label)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = [((model(wave) > 0) == label.bool()).float().mean() for wave, label in DataLoader(test, batch_size=400)]
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {right[0].item():.4f}")
