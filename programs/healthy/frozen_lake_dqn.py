"""DQN on a small slippery-free lake: replay memory, target network, epsilon decay, Huber loss."""
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

SEED = 7
random.seed(SEED)
np.random.seed(SEED)
torch.manual_seed(SEED)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Lake:
    layout = ["S....", ".HH..", ".....", "..H.H", "....G"]
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def reset(self):
        self.r, self.c, self.t = 0, 0, 0
        return self.observe()

    def observe(self):
        state = np.zeros(25, dtype=np.float32)
        state[self.r * 5 + self.c] = 1.0
        return state

    def step(self, action):
        dr, dc = self.moves[action]
        self.r, self.c = min(max(self.r + dr, 0), 4), min(max(self.c + dc, 0), 4)
        self.t += 1
        cell = self.layout[self.r][self.c]
        reward = {"G": 1.0, "H": -1.0}.get(cell, -0.01)
        return self.observe(), reward, cell in "GH", self.t >= 40


class QNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(25, 64)
        self.fc2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 4)

    def forward(self, x):
        return self.out(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Agent:
    def __init__(self, gamma=0.97, lr=1e-3):
        self.policy, self.target = QNetwork().to(device), QNetwork().to(device)
        self.target.load_state_dict(self.policy.state_dict())
        self.optimizer = optim.Adam(self.policy.parameters(), lr=lr)
        self.memory = deque(maxlen=5000)
        self.gamma, self.epsilon, self.steps = gamma, 1.0, 0

    def act(self, state):
        if random.random() < self.epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return self.policy(torch.from_numpy(state).unsqueeze(0).to(device)).argmax(1).item()

    def learn(self, batch_size=64):
        if len(self.memory) < 500:
            return None
        states, actions, rewards, following, done = map(np.array, zip(*random.sample(self.memory, batch_size)))
        states, following = torch.from_numpy(states).to(device), torch.from_numpy(following).to(device)
        actions = torch.from_numpy(actions).long().unsqueeze(1).to(device)
        rewards = torch.from_numpy(rewards).float().to(device)
        done = torch.from_numpy(done).float().to(device)
        q = self.policy(states).gather(1, actions).squeeze(1)
        with torch.no_grad():
            best = self.policy(following).argmax(1, keepdim=True)
            expected = rewards + self.gamma * (1 - done) * self.target(following).gather(1, best).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q, expected)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(self.policy.parameters(), 1.0)
        self.optimizer.step()
        self.steps += 1
        if self.steps % 200 == 0:
            self.target.load_state_dict(self.policy.state_dict())
        return loss.item()


env, agent = Lake(), Agent()
returns = deque(maxlen=50)
for episode in range(1, 451):
    state, total, finished = env.reset(), 0.0, False
    while not finished:
        action = agent.act(state)
        following, reward, done, truncated = env.step(action)
        agent.memory.append((state, action, reward, following, done))
        loss = agent.learn()
        state, total, finished = following, total + reward, done or truncated
    agent.epsilon = max(0.05, agent.epsilon * 0.985)
    returns.append(total)
    if episode % 50 == 0:
        print(f"episode {episode}: mean return {np.mean(returns):.3f} epsilon {agent.epsilon:.2f} loss {loss}")
agent.epsilon = 0.0
state, total, finished = env.reset(), 0.0, False
while not finished:
    state, reward, done, truncated = env.step(agent.act(state))
    total, finished = total + reward, done or truncated
print("greedy return", round(total, 3))
