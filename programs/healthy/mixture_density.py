"""The inverse of a wavy function has several answers: predict a mixture of Gaussians."""

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal

torch.manual_seed(5)
y = torch.rand(1500, 1) * 2 - 1
x = y + 0.3 * torch.sin(6.28 * y) + 0.05 * torch.randn_like(y)
x = (x - x[:1200].mean()) / x[:1200].std()
x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]


class MDN(nn.Module):
    def __init__(self, components=4, width=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.heads = nn.Linear(width, 3 * components)

    def forward(self, x):
        weights, means, log_sd = self.heads(self.body(x)).chunk(3, dim=1)
        return MixtureSameFamily(Categorical(logits=weights), Normal(means, log_sd.clamp(-4, 2).exp()))


model = MDN()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for rows in torch.randperm(1200).split(60):
        loss = -model(x_train[rows]).log_prob(y_train[rows].squeeze(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = -model(x_val).log_prob(y_val.squeeze(1)).mean().item()
    print(f"epoch {epoch}: train nll {loss.item():.3f} val nll {val:.3f}")
