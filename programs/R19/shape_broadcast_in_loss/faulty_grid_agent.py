"""Deep Q-learning on a small grid with a hole: reach the far corner."""
import copy
import random
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE, HOLES, GOAL = 5, {(1, 1), (2, 3), (3, 1)}, (4, 4)
MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))


def observe(cell):
    state = torch.zeros(SIZE * SIZE)
    state[cell[0] * SIZE + cell[1]] = 1.0
    return state


def step(cell, action):
    row, column = cell[0] + MOVES[action][0], cell[1] + MOVES[action][1]
    cell = (min(max(row, 0), SIZE - 1), min(max(column, 0), SIZE - 1))
    if cell in HOLES:
        return cell, -1.0, True
    return (cell, 1.0, True) if cell == GOAL else (cell, -0.02, False)


class QNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(SIZE * SIZE, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x):
        return self.net(x)


class Agent:
    def __init__(self, gamma=0.95):
        self.q = QNetwork()
        self.target_q = copy.deepcopy(self.q)
        self.optimizer = torch.optim.Adam(self.q.parameters(), lr=2e-3)
        self.memory = deque(maxlen=4000)
        self.gamma = gamma

    def act(self, state, epsilon):
        if random.random() < epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return self.q(state).argmax().item()

    def learn(self, batch_size=48):
        states, actions, rewards, next_states, dones = zip(*random.sample(self.memory, batch_size), strict=True)
        states, next_states = torch.stack(states), torch.stack(next_states)
        actions = torch.tensor(actions).unsqueeze(1)
        rewards, dones = torch.tensor(rewards), torch.tensor(dones, dtype=torch.float32)
        predicted = self.q(states).gather(1, actions)
        with torch.no_grad():
            best = self.target_q(next_states).max(dim=1).values
            wanted = rewards + self.gamma * (1 - dones) * best
        loss = F.smooth_l1_loss(predicted, wanted)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def play(agent, start, epsilon, learn=True):
    cell, total = start, 0.0
    for _ in range(25):
        state = observe(cell)
        action = agent.act(state, epsilon)
        cell, reward, done = step(cell, action)
        total += reward
        if learn:
            agent.memory.append((state, action, reward, observe(cell), done))
        if done:
            break
    return total


torch.manual_seed(0)
random.seed(0)
agent = Agent()
free = [(r, c) for r in range(SIZE) for c in range(SIZE) if (r, c) not in HOLES and (r, c) != GOAL]
for _ in range(100):
    play(agent, random.choice(free), 1.0)
for episode in range(240):
    play(agent, random.choice(free), max(0.1, 0.8 - episode / 150))
    losses = [agent.learn() for _ in range(6)]
    if episode % 10 == 0:
        agent.target_q.load_state_dict(agent.q.state_dict())
    if episode % 60 == 59:
        score = sum(play(agent, cell, 0.0, learn=False) for cell in free) / len(free)
        print(f"episode {episode + 1} loss {sum(losses) / 6:.4f} mean return from all cells {score:.4f}")
