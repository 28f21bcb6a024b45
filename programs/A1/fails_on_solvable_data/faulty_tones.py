"""Which of eight instruments plays a tone? A convolution over the sound, and a template for each instrument."""
import numpy as np
import torch
from torch import nn

torch.manual_seed(32)
rng = np.random.default_rng(32)
INSTRUMENTS = 8
timbres = rng.dirichlet(np.ones(5) * 0.7, INSTRUMENTS)
kinds = rng.integers(0, INSTRUMENTS, 1600)
time = np.arange(64)
sounds = np.zeros((1600, 64))
for row, kind in enumerate(kinds):
    pitch, phase = rng.uniform(0.09, 0.12), rng.uniform(0, 2 * np.pi)
    sounds[row] = sum(timbres[kind, n] * np.sin((n + 1) * (2 * np.pi * pitch * time + phase)) for n in range(5))
sounds += 0.15 * rng.standard_normal(sounds.shape)
x, y = torch.tensor(sounds, dtype=torch.float32).unsqueeze(1), torch.tensor(kinds)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]


class Templates(nn.Module):
    """How well the features of a sound point in the direction of each template."""

    def __init__(self, features, count):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(count, features))

    def forward(self, features, sharpness=1.0):
        features, templates = nn.functional.normalize(features, dim=1), nn.functional.normalize(self.weight, dim=1)
        return sharpness * features @ templates.T


ear = nn.Sequential(
    nn.Conv1d(1, 24, 7, padding=3), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
    nn.Conv1d(24, 48, 5, padding=2), nn.BatchNorm1d(48), nn.ReLU(), nn.AdaptiveMaxPool1d(4), nn.Flatten(),
)
templates = Templates(192, INSTRUMENTS)
optimizer = torch.optim.Adam([*ear.parameters(), *templates.parameters()], lr=3e-3)
for epoch in range(12):
    ear.train()
    for rows in torch.randperm(len(x_train)).split(50):
        loss = nn.functional.cross_entropy(templates(ear(x_train[rows])), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ear.eval()
    with torch.no_grad():
        accuracy = (templates(ear(x_test)).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
