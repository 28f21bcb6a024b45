import random

import torch
import torch.nn as nn
import torch.nn.functional as F

GRID = [
    "S...",
    ".#.#",
    "...#",
    "#..G",
]
MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]
GAMMA = 0.99
MAX_STEPS = 30


class Lake:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.pos, self.t = (0, 0), 0
        return self.state()

    def state(self):
        return self.pos[0] * 4 + self.pos[1]

    def step(self, action):
        if self.rng.random() < 0.03:
            action = self.rng.randrange(4)
        r = min(3, max(0, self.pos[0] + MOVES[action][0]))
        c = min(3, max(0, self.pos[1] + MOVES[action][1]))
        self.pos, self.t = (r, c), self.t + 1
        cell = GRID[r][c]
        if cell == "G":
            return self.state(), 1.0, True
        if cell == "#":
            return self.state(), -0.3, True
        return self.state(), -0.01, self.t >= MAX_STEPS


class PolicyNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, 4)
        self.v = nn.Linear(hidden, 1)

    def forward(self, states):
        h = self.body(F.one_hot(states, 16).float())
        return self.pi(h), self.v(h).squeeze(-1)


def play(env, net, greedy=False):
    states, actions, rewards = [], [], []
    s, done = env.reset(), False
    while not done:
        with torch.no_grad():
            logits, _ = net(torch.tensor([s]))
        a = logits.argmax().item() if greedy else torch.multinomial(logits.softmax(-1), 1).item()
        states.append(s)
        actions.append(a)
        s, r, done = env.step(a)
        rewards.append(r)
    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + GAMMA * g
        returns.insert(0, g)
    return states, actions, returns, sum(rewards)


def main():
    torch.manual_seed(0)
    env = Lake(random.Random(0))
    net = PolicyNet()
    opt = torch.optim.RMSprop(net.parameters(), lr=2e-2)
    for it in range(1, 151):
        S, A, R, scores = [], [], [], []
        for _ in range(12):
            s, a, g, score = play(env, net)
            S += s
            A += a
            R += g
            scores.append(score)
        S, A, R = torch.tensor(S), torch.tensor(A), torch.tensor(R)
        logits, value = net(S)
        logp = F.log_softmax(logits, -1)
        adv = R - value.detach()
        policy = -(logp.gather(1, A[:, None]).squeeze(1) * adv).mean()
        entropy = -(logp.exp() * logp).sum(1).mean()
        loss = policy + 0.5 * F.mse_loss(value, R) - 0.02 * entropy
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 25 == 0:
            print(f"iter {it:3d} loss {loss.item():+.4f} entropy {entropy.item():.3f} return {sum(scores) / 12:+.3f}")
    test = [play(env, net, greedy=True)[3] for _ in range(100)]
    print(f"average return of the greedy policy {sum(test) / len(test):.3f}")


if __name__ == "__main__":
    main()
