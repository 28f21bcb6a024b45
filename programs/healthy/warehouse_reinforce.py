"""Policy gradient with a value baseline: a picker robot walks to the requested shelf in a 5x5 warehouse."""
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

GRID, MAX_STEPS, N_ENVS, GAMMA = 5, 20, 32, 0.95
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])
WALLS = {(1, 1), (1, 2), (3, 3)}


class Warehouse:
    """N_ENVS robots in parallel."""

    def __init__(self, n, rng):
        self.n, self.rng = n, rng
        self.free = [(r, c) for r in range(GRID) for c in range(GRID) if (r, c) not in WALLS]

    def reset(self):
        pick = lambda: torch.tensor([self.free[i] for i in self.rng.integers(0, len(self.free), self.n)])
        self.pos, self.goal = pick(), pick()
        self.done = (self.pos == self.goal).all(1)
        return self.observe()

    def observe(self):
        idx = lambda p: p[:, 0] * GRID + p[:, 1]
        one = lambda p: nn.functional.one_hot(idx(p), GRID * GRID).float()
        return torch.cat([one(self.pos), one(self.goal)], dim=1)

    def step(self, action):
        new = self.pos + MOVES[action]
        ok = ((new >= 0) & (new < GRID)).all(1)
        for w in WALLS:
            ok &= ~(new == torch.tensor(w)).all(1)
        self.pos = torch.where((ok & ~self.done).unsqueeze(1), new, self.pos)
        reached = (self.pos == self.goal).all(1) & ~self.done
        reward = torch.where(self.done, 0.0, -0.05) + reached.float()
        self.done = self.done | reached
        return self.observe(), reward


def mlp(n_out):
    return nn.Sequential(nn.Linear(2 * GRID * GRID, 64), nn.Tanh(), nn.Linear(64, n_out))


def rollout(env, policy):
    obs = env.reset()
    data = []
    for _ in range(MAX_STEPS):
        active = (~env.done).float()
        dist = Categorical(logits=policy(obs))
        action = dist.sample()
        nxt, reward = env.step(action)
        data.append((obs, dist.log_prob(action), dist.entropy(), reward, active))
        obs = nxt
        if env.done.all():
            break
    return [torch.stack(t) for t in zip(*data)]


def returns_to_go(rewards):
    out, running = torch.zeros_like(rewards), torch.zeros(rewards.size(1))
    for t in reversed(range(len(rewards))):
        running = rewards[t] + GAMMA * running
        out[t] = running
    return out


def main():
    torch.manual_seed(0)
    env = Warehouse(N_ENVS, np.random.default_rng(0))
    policy, value = mlp(4), mlp(1)
    opt_policy = torch.optim.Adam(policy.parameters(), lr=4e-3)
    opt_value = torch.optim.Adam(value.parameters(), lr=5e-3)

    history = []
    for it in range(1, 401):
        obs, logp, entropy, rewards, active = rollout(env, policy)
        target = returns_to_go(rewards)
        baseline = value(obs).squeeze(-1)
        advantage = (target - baseline).detach()
        n = active.sum().clamp(min=1)

        policy_loss = -(logp * advantage * active).sum() / n - 0.01 * (entropy * active).sum() / n
        opt_policy.zero_grad()
        policy_loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt_policy.step()

        value_loss = ((baseline - target) ** 2 * active).sum() / n
        opt_value.zero_grad()
        value_loss.backward()
        opt_value.step()

        history.append((rewards.sum(0).mean().item(), env.done.float().mean().item(), policy_loss.item()))
        if it % 50 == 0:
            r, d, l = np.mean(history[-50:], axis=0)
            print(f"iteration {it:3d} policy loss {l:+.4f} reached {d:.3f} return {r:.3f}")


if __name__ == "__main__":
    main()
