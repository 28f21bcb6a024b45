"""Bayesian network by stochastic gradient Langevin dynamics: every step adds noise on purpose, the samples are averaged."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_circles, make_moons
from sklearn.model_selection import train_test_split
from torch import nn


class SGLD(torch.optim.Optimizer):
    """Preconditioned Langevin steps (RMSprop preconditioner), for the gradient of the mean negative log posterior."""

    def __init__(self, params, lr, data_size, alpha=0.99, eps=1e-4):
        super().__init__(params, dict(lr=lr, alpha=alpha, eps=eps))
        self.data_size = data_size
        self.noisy = False

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "square" not in state:
                    state["square"] = torch.zeros_like(p)
                state["square"].lerp_(p.grad**2, 1 - group["alpha"])
                scale = 1 / (state["square"].sqrt() + group["eps"])
                p.sub_(group["lr"] / 2 * scale * p.grad)
                if self.noisy:
                    p.add_(torch.randn_like(p) * (group["lr"] / self.data_size * scale).sqrt())


def posterior_loss(net, x, y, n, prior_std=1.0):
    likelihood = F.cross_entropy(net(x), y)
    prior = sum(p.pow(2).sum() for p in net.parameters()) / (2 * prior_std**2)
    return likelihood + prior / n


def run(name, x, y, classes, seed, epochs=200, burn_in=80):
    torch.manual_seed(seed)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.35, random_state=seed, stratify=y)
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (x_train, x_test))
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    net = nn.Sequential(nn.Linear(x.shape[1], 24), nn.Tanh(), nn.Linear(24, classes))
    sampler = SGLD(net.parameters(), lr=4e-3, data_size=len(x_train))
    total, taken, single = torch.zeros(len(x_test), classes), 0, []
    for epoch in range(epochs):
        sampler.noisy = epoch >= burn_in // 2
        for rows in torch.randperm(len(x_train)).split(32):
            sampler.zero_grad()
            loss = posterior_loss(net, x_train[rows], y_train[rows], len(x_train))
            loss.backward()
            sampler.step()
        if epoch >= burn_in and epoch % 3 == 0:
            with torch.no_grad():
                p = net(x_test).softmax(1)
            single.append(F.nll_loss(p.log(), y_test).item())
            total, taken = total + p, taken + 1
        if epoch % 50 == 49:
            print(f"  {name} epoch {epoch + 1}: last batch {loss.item():.4f}")
    mixture = total / taken
    nll = F.nll_loss(mixture.clamp_min(1e-12).log(), y_test).item()
    accuracy = (mixture.argmax(1) == y_test).float().mean().item()
    print(f"{name}: {taken} averaged samples: accuracy {accuracy:.4f}, NLL {nll:.4f} (single samples {np.mean(single):.4f})")


if __name__ == "__main__":
    run("circles", *make_circles(1000, noise=0.12, factor=0.4, random_state=3), 2, seed=3)
    run("moons", *make_moons(1000, noise=0.2, random_state=4), 2, seed=4)
