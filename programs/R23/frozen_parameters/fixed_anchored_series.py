"""Which of three machines hums? The encoder learns, held back by what it said before the last refresh."""
import copy

import torch
import torch.nn.functional as F
from torch import nn


class Encoder(nn.Module):
    def __init__(self, channels=6, width=8):
        super().__init__()
        self.first = nn.Conv1d(1, channels, 9, stride=2)
        self.second = nn.Conv1d(channels, width, 5, stride=2)

    def forward(self, wave):
        hidden = F.relu(self.first(wave))
        return self.second(hidden).abs().mean(2)


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.scores = Encoder(), nn.Linear(8, 3)

    def forward(self, wave):
        return self.scores(self.encoder(wave))


def recordings(count):
    machine = torch.randint(3, (count,))
    time = torch.arange(80) / 80.0
    pitch = torch.tensor([9.0, 11.0, 13.0])[machine] + 0.3 * torch.randn(count)
    wave = torch.sin(6.283 * (pitch[:, None] * time + torch.rand(count, 1))) + 0.7 * torch.randn(count, 80)
    return wave[:, None], machine


def as_it_is(encoder):
    anchor = copy.deepcopy(encoder)
    anchor.requires_grad_(False)
    return anchor


torch.manual_seed(5)
x, y = recordings(1800)
model = Recognizer()
anchor = as_it_is(model.encoder)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(1500).split(50):
        with torch.no_grad():
            before = anchor(x[rows])
        features = model.encoder(x[rows])
        loss = F.cross_entropy(model.scores(features), y[rows]) + 0.01 * F.mse_loss(features, before)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print(f"accuracy {(model(x[1500:]).argmax(1) == y[1500:]).float().mean().item():.4f}")
