"""Variational autoencoder for emission spectra, Gaussian likelihood with a learned noise level, free bits on the KL term."""
import math

import numpy as np
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence


def spectra(n, seed):
    rng = np.random.default_rng(seed)
    grid = np.linspace(0, 1, 80)
    lines = [(0.2, 0.55), (0.35, 0.75), (0.45, 0.9)]
    mix = rng.dirichlet([0.8] * 3, n)
    shift = rng.normal(0, 0.015, (n, 1))
    width = rng.uniform(0.02, 0.04, (n, 1))
    out = np.zeros((n, 80))
    for k, pair in enumerate(lines):
        for c in pair:
            out += mix[:, k:k + 1] * np.exp(-((grid - c - shift) / width) ** 2)
    out += rng.uniform(0, 0.2, (n, 1)) * grid
    return torch.tensor(out + rng.normal(0, 0.03, out.shape), dtype=torch.float32)


class VAE(nn.Module):
    def __init__(self, latent=5):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(80, 64), nn.GELU(), nn.Linear(64, 2 * latent))
        self.dec = nn.Sequential(nn.Linear(latent, 64), nn.GELU(), nn.Linear(64, 80))
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def posterior(self, x):
        mu, raw = self.enc(x).chunk(2, dim=-1)
        return Normal(mu, nn.functional.softplus(raw) + 1e-3)

    def terms(self, x):
        q = self.posterior(x)
        recon = Normal(self.dec(q.rsample()), self.log_sigma.exp())
        kl = kl_divergence(q, Normal(0.0, 1.0))
        return recon.log_prob(x).sum(-1), kl


def elbo(model, x):
    with torch.no_grad():
        ll, kl = model.terms(x)
        return (ll - kl.sum(-1)).mean().item(), kl.mean(0)


torch.manual_seed(14)
train, valid = spectra(2500, 0), spectra(500, 1)
mean = train.mean(0)
train, valid = train - mean, valid - mean
model = VAE()
optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
for epoch in range(1, 36):
    for x in train[torch.randperm(len(train))].split(50):
        ll, kl = model.terms(x)
        loss = -ll.mean() + kl.mean(0).clamp(min=0.05).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 7 == 0:
        value, kl = elbo(model, valid)
        with torch.no_grad():
            err = (model.dec(model.posterior(valid).mean) - valid).pow(2).mean().sqrt()
        print(f"epoch {epoch}: elbo {value:.2f}, rmse {err:.4f}, noise {model.log_sigma.exp().item():.4f}, "
              f"kl per unit {[round(v, 2) for v in kl.tolist()]}")
sd = train.std().item()
print(f"log density of one Gaussian per channel: {Normal(0, train.std(0)).log_prob(valid).sum(1).mean():.2f}; "
      f"spread of the data {sd:.3f}; lowest possible noise 0.03")
