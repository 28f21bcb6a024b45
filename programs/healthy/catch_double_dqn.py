"""Double DQN with a dueling head for the game of catch; n-step returns, target network, linear exploration schedule."""
import collections
import copy
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ROWS, COLS = 9, 7
NSTEP, GAMMA = 3, 0.97
Transition = collections.namedtuple("Transition", "s a r s2 live")


class Catch:
    """A ball falls with some side wind; the paddle is three fields wide. Reward 1 or -1 at the bottom."""

    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.ball = [0, self.rng.randrange(COLS)]
        self.paddle = self.rng.randrange(1, COLS - 1)
        self.wind = self.rng.choice([-1, 0, 1])
        return self.obs()

    def obs(self):
        o = np.zeros((2, ROWS, COLS), dtype=np.float32)
        o[0, self.ball[0], self.ball[1]] = 1
        o[1, -1, self.paddle - 1:self.paddle + 2] = 1
        o[1, 0, 1 + self.wind] = 1
        return o

    def step(self, action):
        self.paddle = min(COLS - 2, max(1, self.paddle + action - 1))
        self.ball[0] += 1
        if self.rng.random() < 0.5:
            self.ball[1] = min(COLS - 1, max(0, self.ball[1] + self.wind))
        done = self.ball[0] == ROWS - 1
        reward = (1.0 if abs(self.ball[1] - self.paddle) <= 1 else -1.0) if done else 0.0
        return self.obs(), reward, done


class Dueling(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(2, 12, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(12 * ROWS * COLS, 64), nn.ReLU())
        self.value, self.advantage = nn.Linear(64, 1), nn.Linear(64, 3)

    def forward(self, x):
        h = self.conv(x)
        a = self.advantage(h)
        return self.value(h) + a - a.mean(1, keepdim=True)


def act(net, obs, eps, rng):
    if rng.random() < eps:
        return rng.randrange(3)
    with torch.no_grad():
        return int(net(torch.from_numpy(obs)[None]).argmax())


def play(net, episodes, eps=0.0, seed=1):
    rng = random.Random(seed)
    env, wins = Catch(rng), 0
    for _ in range(episodes):
        obs, done = env.reset(), False
        while not done:
            obs, r, done = env.step(act(net, obs, eps, rng))
        wins += r > 0
    return wins / episodes


def n_step(episode):
    out = []
    for t in range(len(episode)):
        part = episode[t:t + NSTEP]
        ret = sum(GAMMA**k * tr[2] for k, tr in enumerate(part))
        out.append(Transition(episode[t][0], episode[t][1], ret, part[-1][3], (not part[-1][4]) * GAMMA ** len(part)))
    return out


def main():
    rng = random.Random(0)
    torch.manual_seed(0)
    env, memory = Catch(rng), collections.deque(maxlen=6000)
    net = Dueling()
    target = copy.deepcopy(net).requires_grad_(False)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-4)
    print(f"before training: {play(net, 150, eps=1.0):.3f} caught at random")
    losses, updates = [], 0
    for episode in range(1, 701):
        eps = max(0.05, 1 - episode / 350)
        obs, done, steps = env.reset(), False, []
        while not done:
            a = act(net, obs, eps, rng)
            nxt, r, done = env.step(a)
            steps.append((obs, a, r, nxt, done))
            obs = nxt
        memory.extend(n_step(steps))
        if len(memory) < 400:
            continue
        for _ in range(3):
            batch = Transition(*zip(*rng.sample(memory, 48)))
            s, s2 = torch.from_numpy(np.stack(batch.s)), torch.from_numpy(np.stack(batch.s2))
            a, r, live = torch.tensor(batch.a), torch.tensor(batch.r), torch.tensor(batch.live)
            q = net(s).gather(1, a[:, None]).squeeze(1)
            with torch.no_grad():
                best = net(s2).argmax(1, keepdim=True)
                goal = r + live * target(s2).gather(1, best).squeeze(1)
            loss = F.smooth_l1_loss(q, goal)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
            updates += 1
            if updates % 100 == 0:
                target.load_state_dict(net.state_dict())
        if episode % 140 == 0:
            print(f"episode {episode} eps {eps:.2f} loss {np.mean(losses[-200:]):.4f} caught {play(net, 100):.3f}")


if __name__ == "__main__":
    main()
