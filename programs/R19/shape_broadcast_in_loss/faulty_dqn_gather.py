import random
from collections import deque, namedtuple

import torch
from torch import nn, optim

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward", "done"))
SIZE = 5


class GridWorld:
    """Walk from a random cell to a random goal within 20 moves."""

    def reset(self):
        self.at, self.goal = [random.randrange(SIZE) for _ in "xy"], [random.randrange(SIZE) for _ in "xy"]
        self.left = 20
        return self.state()

    def state(self):
        return torch.tensor([*self.at, *self.goal], dtype=torch.float32) / (SIZE - 1) - 0.5

    def step(self, action):
        axis, sign = divmod(action, 2)
        self.at[axis] = min(SIZE - 1, max(0, self.at[axis] + 2 * sign - 1))
        self.left -= 1
        reached = self.at == self.goal
        return self.state(), 1.0 if reached else -0.05, reached, reached or self.left == 0


class DQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x):
        return self.layers(x)


class Agent:
    gamma, batch_size, target_update = 0.9, 64, 50

    def __init__(self):
        self.policy_net, self.target_net = DQN(), DQN()
        self.target_net.load_state_dict(self.policy_net.state_dict())
        self.memory = deque(maxlen=4000)
        self.optimizer = optim.AdamW(self.policy_net.parameters(), lr=2e-3, amsgrad=True)
        self.updates = 0

    def act(self, state, epsilon):
        if random.random() < epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return self.policy_net(state).argmax().item()

    def optimize_model(self):
        if len(self.memory) < self.batch_size:
            return
        batch = Transition(*zip(*random.sample(self.memory, self.batch_size)))
        state, next_state = torch.stack(batch.state), torch.stack(batch.next_state)
        action, reward = torch.tensor(batch.action), torch.tensor(batch.reward)
        done = torch.tensor(batch.done, dtype=torch.float32)
        q = self.policy_net(state).gather(1, action.unsqueeze(1))
        with torch.no_grad():
            next_q = self.target_net(next_state).max(1).values
        expected = reward + self.gamma * (1 - done) * next_q
        loss = nn.functional.mse_loss(q, expected)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(self.policy_net.parameters(), 100)
        self.optimizer.step()
        self.updates += 1
        if self.updates % self.target_update == 0:
            self.target_net.load_state_dict(self.policy_net.state_dict())


random.seed(0)
torch.manual_seed(0)
env, agent = GridWorld(), Agent()
for episode in range(260):
    state, over = env.reset(), False
    while not over:
        action = agent.act(state, max(0.1, 1 - episode / 150))
        next_state, reward, done, over = env.step(action)
        agent.memory.append(Transition(state, action, next_state, reward, done))
        state = next_state
        agent.optimize_model()
wins = 0
for _ in range(100):
    state, over, reached = env.reset(), False, False
    while not over:
        state, _, reached, over = env.step(agent.act(state, 0.0))
    wins += reached
print("goals reached of a hundred:", wins)
