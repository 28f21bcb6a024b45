# behaviour cloning of a swing-up controller (pendulum), PPO style networks
import math

import numpy as np
import torch
import torch.nn as nn


def layer_init(layer, std=0.01, bias_const=0.0):
    torch.nn.init.orthogonal_(layer.weight, std)
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


def expert(theta, omega):
    """Energy shaping far from the top, linear feedback near it."""
    theta = (theta + np.pi) % (2 * np.pi) - np.pi
    energy = 0.5 * omega**2 + 9.81 * (np.cos(theta) - 1)
    swing = -0.6 * omega * energy
    balance = -28 * theta - 8 * omega
    return np.clip(np.where(np.abs(theta) < 0.35, balance, swing), -4, 4)


def rollouts(n, steps, rng):
    theta, omega = rng.uniform(-np.pi, np.pi, n), rng.normal(0, 2, n)
    obs, act = [], []
    for _ in range(steps):
        u = expert(theta, omega)
        obs.append(np.stack([np.cos(theta), np.sin(theta), omega / 3], 1))
        act.append(u)
        omega = omega + 0.05 * (9.81 * np.sin(theta) + u + rng.normal(0, 0.3, n))
        omega = np.clip(omega, -9, 9)
        theta = theta + 0.05 * omega
    return np.concatenate(obs).astype(np.float32), np.concatenate(act).astype(np.float32)[:, None]


class Actor(nn.Module):
    def __init__(self, obs_dim=3, act_dim=1):
        super().__init__()
        self.actor_mean = nn.Sequential(
            layer_init(nn.Linear(obs_dim, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, 64)),
            nn.Tanh(),
            layer_init(nn.Linear(64, act_dim), std=0.01),
        )
        self.actor_logstd = nn.Parameter(torch.zeros(1, act_dim))

    def log_prob(self, obs, action):
        mean = self.actor_mean(obs)
        dist = torch.distributions.Normal(mean, self.actor_logstd.clamp(-2, 1).exp().expand_as(mean))
        return dist.log_prob(action).sum(1)


if __name__ == "__main__":
    seed = 1
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    obs, act = map(torch.from_numpy, rollouts(60, 100, rng))
    test_obs, test_act = map(torch.from_numpy, rollouts(20, 100, rng))
    scale = act.std()
    agent = Actor()
    optimizer = torch.optim.Adam(agent.parameters(), lr=3e-3, eps=1e-5)
    num_updates, minibatch = 30, 128
    for update in range(1, num_updates + 1):
        optimizer.param_groups[0]["lr"] = 3e-3 * (1 - (update - 1) / num_updates)
        b_inds = rng.permutation(len(obs))
        for start in range(0, len(obs), minibatch):
            mb = b_inds[start : start + minibatch]
            loss = -agent.log_prob(obs[mb], act[mb] / scale).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
        with torch.no_grad():
            mse = (agent.actor_mean(test_obs) - test_act / scale).pow(2).mean()
        if update % 5 == 0:
            print(f"update {update:2d} nll {loss.item():.3f} test mse {mse:.4f} (doing nothing {(test_act / scale).pow(2).mean():.3f})")
