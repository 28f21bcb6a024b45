"""Hamiltonian network: the time derivatives of a two-mass spring chain come from the gradient of a learned scalar."""
import argparse

import torch
from torch import nn


def true_hamiltonian(state):
    q, p = state.chunk(2, -1)
    stretch = q[..., 1] - q[..., 0]
    return (p**2).sum(-1) / 2 + (q[..., 0] ** 2 + stretch**2 + q[..., 1] ** 2) / 2 + 0.1 * stretch**4


def vector_field(hamiltonian, state, create_graph=False):
    state = state.detach().requires_grad_(True)
    with torch.enable_grad():
        (grad,) = torch.autograd.grad(hamiltonian(state).sum(), state, create_graph=create_graph)
    dq, dp = grad.chunk(2, -1)
    return torch.cat([dp, -dq], -1)


def rk4(field, state, dt):
    k1 = field(state)
    k2 = field(state + dt / 2 * k1)
    k3 = field(state + dt / 2 * k2)
    k4 = field(state + dt * k3)
    return state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


class ScalarNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))
        for layer in self.net:
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight)

    def forward(self, state):
        return self.net(state).squeeze(-1)


def observe(n, noise, generator):
    state = 3 * torch.rand(n, 4, generator=generator) - 1.5
    slope = vector_field(true_hamiltonian, state)
    return state, slope + noise * torch.randn(slope.shape, generator=generator)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=3000)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--width", type=int, default=64)
    args = parser.parse_args()
    torch.manual_seed(10)
    generator = torch.Generator().manual_seed(10)
    state, slope = observe(args.samples, args.noise, generator)
    test_state, test_slope = observe(800, 0.0, generator)
    net = ScalarNet(args.width)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: 0.5 ** (i / 400))
    for step in range(args.steps):
        rows = torch.randint(0, args.samples, (128,), generator=generator)
        predicted = vector_field(net, state[rows], create_graph=True)
        loss = (predicted - slope[rows]).pow(2).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 300 == 0:
            error = (vector_field(net, test_state) - test_slope).pow(2).mean()
            print(f"step {step + 1}: training {loss.item():.4f}, test {error.item():.5f} (slope variance {test_slope.var():.2f})")

    true, learned = [test_state[:50].clamp(-0.7, 0.7)] * 2
    start = true_hamiltonian(true)
    drift, gap = [], []
    for _ in range(200):
        true = rk4(lambda s: vector_field(true_hamiltonian, s), true, 0.05)
        learned = rk4(lambda s: vector_field(net, s), learned, 0.05)
        drift.append(((true_hamiltonian(learned) - start).abs() / start).mean())
        gap.append((true - learned).norm(dim=1).mean())
    print(f"after 10 time units: distance to the true path {gap[-1]:.4f}")
    print(f"energy drift of the network {torch.stack(drift).mean():.4f}")


if __name__ == "__main__":
    main()
