"""Advantage actor-critic for a lift in a six-storey house, many copies of the house side by side."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

FLOORS, ENVS, ROLL, GAMMA, LAM = 6, 32, 12, 0.96, 0.95


class House:
    """Actions: down, stay and open, up. Waiting people cost 0.1 each and step; a person served gives 1."""

    def __init__(self, n, seed):
        self.rng = np.random.default_rng(seed)
        self.n = n
        self.pos = self.rng.integers(FLOORS, size=n)
        self.wait = np.zeros((n, FLOORS))
        self.clock = np.zeros(n, dtype=int)

    def observe(self):
        return torch.tensor(np.concatenate([np.eye(FLOORS)[self.pos], np.minimum(self.wait, 4) / 2], 1), dtype=torch.float32)

    def step(self, action):
        self.pos = np.clip(self.pos + np.where(action == 0, -1, np.where(action == 2, 1, 0)), 0, FLOORS - 1)
        rows = np.arange(self.n)
        served = np.where(action == 1, self.wait[rows, self.pos], 0)
        self.wait[rows, self.pos] -= served
        reward = served - 0.1 * self.wait.sum(1)
        arrive = self.rng.random((self.n, FLOORS)) < np.array([0.10, 0.01, 0.02, 0.02, 0.03, 0.06])
        self.wait = np.minimum(self.wait + arrive, 4)
        return torch.tensor(reward, dtype=torch.float32)


class Agent(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.base = nn.Sequential(nn.Linear(2 * FLOORS, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, 3)
        self.v = nn.Linear(hidden, 1)
        for m in self.base[::2]:
            nn.init.orthogonal_(m.weight, 2**0.5)
        nn.init.orthogonal_(self.pi.weight, 0.01)
        nn.init.orthogonal_(self.v.weight, 1.0)

    def forward(self, obs):
        h = self.base(obs)
        return Categorical(logits=self.pi(h)), self.v(h).squeeze(-1)


@torch.no_grad()
def evaluate(policy, steps=150):
    house = House(64, seed=999)
    total = 0.0
    for _ in range(steps):
        total += house.step(policy(house)).mean().item()
    return total / steps


def main():
    torch.manual_seed(3)
    agent, house = Agent(), House(ENVS, seed=3)
    opt = torch.optim.RMSprop(agent.parameters(), lr=2e-3, alpha=0.99, eps=1e-5)
    greedy = lambda h: agent(h.observe())[0].probs.argmax(1).numpy()
    rng = np.random.default_rng(0)
    print(f"random lift: {evaluate(lambda h: rng.integers(3, size=h.n)):.3f} reward per step")
    for update in range(1, 801):
        obs, logp, values, rewards, entropy = [], [], [], [], []
        for _ in range(ROLL):
            dist, v = agent(house.observe())
            a = dist.sample()
            logp.append(dist.log_prob(a))
            entropy.append(dist.entropy())
            values.append(v)
            rewards.append(house.step(a.numpy()))
        with torch.no_grad():
            nxt = agent(house.observe())[1]
        advantage, running = [None] * ROLL, 0.0
        for k in reversed(range(ROLL)):
            delta = rewards[k] + GAMMA * nxt - values[k].detach()
            running = delta + GAMMA * LAM * running
            advantage[k] = running
            nxt = values[k].detach()
        adv, val = torch.stack(advantage), torch.stack(values)
        returns = adv + val.detach()
        norm = (adv - adv.mean()) / (adv.std() + 1e-6)
        policy_loss = -(torch.stack(logp) * norm).mean()
        value_loss = F.mse_loss(val, returns)
        loss = policy_loss + 0.5 * value_loss - 0.01 * torch.stack(entropy).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        opt.step()
        if update % 160 == 0:
            print(f"update {update} reward {torch.stack(rewards).mean():.3f} value loss {value_loss.item():.3f} "
                  f"greedy lift {evaluate(greedy):.3f}")


if __name__ == "__main__":
    main()
