"""Regression with an error bar: the network gives a mean and the logarithm of the variance."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(17)


def draw(count):
    x = torch.rand(count, 2) * 4 - 2
    scale = 0.03 + 0.12 * torch.sigmoid(3 * x[:, 1])
    y = torch.sin(2 * x[:, 0]) * torch.cos(x[:, 1]) + scale * torch.randn(count)
    return x, y


class Probabilistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.mean, self.log_variance = nn.Linear(64, 1), nn.Linear(64, 1)

    def forward(self, x):
        features = self.body(x)
        return self.mean(features).squeeze(1), self.log_variance(features).squeeze(1)


def heteroscedastic_loss(mean, log_variance, y):
    precision = torch.exp(-0.5 * log_variance)
    return 0.5 * (log_variance + precision * (y - mean) ** 2).mean()


x, y = draw(2000)
x_val, y_val = draw(800)
model = Probabilistic()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
for epoch in range(25):
    for inputs, targets in loader:
        loss = heteroscedastic_loss(*model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mean, log_variance = model(x_val)
        error = (mean - y_val).abs()
        inside = (error < 1.96 * torch.exp(0.5 * log_variance)).float().mean().item()
        nll = -torch.distributions.Normal(mean, torch.exp(0.5 * log_variance)).log_prob(y_val).mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch} MAE {error.mean().item():.4f} within 95 % band {inside:.3f} negative log-likelihood {nll:.4f}")
