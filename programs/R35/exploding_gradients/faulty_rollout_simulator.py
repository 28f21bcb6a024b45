import argparse

import torch
import torch.nn as nn


def lorenz(state):
    x, y, z = state.unbind(-1)
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], -1)


def simulate(start, steps, dt=0.02):
    path = [start]
    for _ in range(steps):
        s = path[-1]
        k1 = lorenz(s)
        k2 = lorenz(s + dt / 2 * k1)
        k3 = lorenz(s + dt / 2 * k2)
        k4 = lorenz(s + dt * k3)
        path.append(s + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return torch.stack(path, 1)


class StepNet(nn.Module):
    """Learns one step of the simulator as a residual."""

    def __init__(self, width=48):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, s):
        return s + self.mlp(s)

    def rollout(self, start, steps):
        path, s = [], start
        for _ in range(steps):
            s = self(s)
            path.append(s)
        return torch.stack(path, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--horizon", type=int, default=40)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.01)
    args = parser.parse_args()
    torch.manual_seed(2)
    with torch.no_grad():
        burn = simulate(torch.randn(64, 3) * 5 + torch.tensor([0.0, 0.0, 25.0]), 300)[:, -1]
        paths = simulate(burn, 400)
    scale = torch.tensor([8.0, 9.0, 8.5])
    paths = (paths - torch.tensor([0.0, 0.0, 23.5])) / scale
    train, test = paths[:52], paths[52:]
    model = StepNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    for step in range(1, args.steps + 1):
        who = torch.randint(0, len(train), (args.batch,))
        when = torch.randint(0, 400 - args.horizon, (args.batch,))
        piece = torch.stack([train[i, t : t + args.horizon + 1] for i, t in zip(who, when)])
        predicted = model.rollout(piece[:, 0], args.horizon)
        loss = (predicted - piece[:, 1:]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f}")
    with torch.no_grad():
        pieces = test[:, :380].unfold(1, 21, 20).transpose(2, 3).reshape(-1, 21, 3)
        error = (model.rollout(pieces[:, 0], 20) - pieces[:, 1:]).pow(2).mean()
        still = (pieces[:, :1] - pieces[:, 1:]).pow(2).mean()
    print(f"standing still: {still:.4f}")
    print(f"rollout error: {error:.4f}")


if __name__ == "__main__":
    main()
