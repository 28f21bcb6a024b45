"""Advantage actor-critic on a 5x5 grid with a wall; two networks, two optimizers."""
import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

SIZE = 5
WALLS = {(1, 1), (1, 2), (1, 3), (3, 1), (3, 3)}
GOAL = (4, 4)
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]


class GridWorld:
    def __init__(self, n_envs, seed):
        self.rng = np.random.default_rng(seed)
        self.n = n_envs
        self.free = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in WALLS and (r, c) != GOAL]
        self.pos = [self._spawn() for _ in range(n_envs)]
        self.t = np.zeros(n_envs, int)

    def _spawn(self):
        return self.free[self.rng.integers(len(self.free))]

    def obs(self):
        o = np.zeros((self.n, SIZE * SIZE), np.float32)
        for i, (r, c) in enumerate(self.pos):
            o[i, r * SIZE + c] = 1
        return torch.from_numpy(o)

    def step(self, actions):
        rew, done = np.full(self.n, -0.04, np.float32), np.zeros(self.n, np.float32)
        for i, a in enumerate(actions):
            r, c = self.pos[i][0] + MOVES[a][0], self.pos[i][1] + MOVES[a][1]
            if 0 <= r < SIZE and 0 <= c < SIZE and (r, c) not in WALLS:
                self.pos[i] = (r, c)
            self.t[i] += 1
            if self.pos[i] == GOAL:
                rew[i], done[i] = 1.0, 1.0
            if done[i] or self.t[i] >= 40:
                done[i] = 1.0
                self.pos[i], self.t[i] = self._spawn(), 0
        return torch.from_numpy(rew), torch.from_numpy(done)


def greedy_success(actor, seed=99, trials=60):
    env = GridWorld(trials, seed)
    reached = torch.zeros(trials)
    alive = torch.ones(trials)
    with torch.no_grad():
        for _ in range(20):
            rew, done = env.step(actor(env.obs()).argmax(-1).tolist())
            reached += alive * (rew > 0.5)
            alive *= 1 - done
    return reached.mean().item()


def main():
    torch.manual_seed(4)
    torch.set_num_threads(1)
    actor = nn.Sequential(nn.Linear(25, 64), nn.Tanh(), nn.Linear(64, 4))
    critic = nn.Sequential(nn.Linear(25, 64), nn.Tanh(), nn.Linear(64, 1))
    opt_a = torch.optim.Adam(actor.parameters(), lr=5e-3)
    opt_c = torch.optim.Adam(critic.parameters(), lr=1e-2)
    env = GridWorld(16, seed=0)
    gamma, horizon = 0.97, 16

    for update in range(200):
        obs, acts, rews, dones = [], [], [], []
        for _ in range(horizon):
            o = env.obs()
            with torch.no_grad():
                a = Categorical(logits=actor(o)).sample()
            r, d = env.step(a.tolist())
            obs.append(o), acts.append(a), rews.append(r), dones.append(d)
        with torch.no_grad():
            ret = critic(env.obs()).squeeze(-1)
        returns = []
        for r, d in zip(reversed(rews), reversed(dones)):
            ret = r + gamma * ret * (1 - d)
            returns.append(ret)
        returns = torch.cat(returns[::-1])
        o, a = torch.cat(obs), torch.cat(acts)

        value = critic(o).squeeze(-1)
        value_loss = (value - returns).pow(2).mean()
        opt_c.zero_grad()
        value_loss.backward()
        opt_c.step()

        dist = Categorical(logits=actor(o))
        adv = returns - value.detach()
        policy_loss = -(dist.log_prob(a) * adv).mean() - 0.02 * dist.entropy().mean()
        opt_a.zero_grad()
        policy_loss.backward()
        opt_a.step()
        if update % 20 == 19:
            print(f"update {update + 1:3d} return {returns.mean():.3f} value loss {value_loss.item():.4f} "
                  f"entropy {dist.entropy().mean().item():.3f} greedy success {greedy_success(actor):.2f}")


if __name__ == "__main__":
    main()
