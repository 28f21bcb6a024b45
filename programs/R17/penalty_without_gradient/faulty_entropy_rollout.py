"""Advantage actor-critic in a corridor with a small prize at the near end and a large one at the far end."""
import torch
from torch import nn
from torch.distributions import Categorical

LENGTH, START, HORIZON, ENVS = 13, 2, 30, 16
GAMMA, ENTROPY, VALUE = 0.97, 0.08, 0.5


class Corridors:
    def __init__(self, count):
        self.place = torch.full((count,), START)
        self.age = torch.zeros(count, dtype=torch.long)

    def observe(self):
        return nn.functional.one_hot(self.place, LENGTH).float()

    def step(self, action):
        self.place = (self.place + 2 * action - 1).clamp(0, LENGTH - 1)
        self.age += 1
        reward = 0.3 * (self.place == 0).float() + 1.0 * (self.place == LENGTH - 1).float()
        done = (self.place == 0) | (self.place == LENGTH - 1) | (self.age >= HORIZON)
        self.place[done], self.age[done] = START, 0
        return reward, done.float()


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(LENGTH, 32), nn.Tanh())
        self.actor, self.critic = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        return self.actor(h), self.critic(h).squeeze(-1)


@torch.no_grad()
def rollout(model, env, steps):
    memory = []
    for _ in range(steps):
        state = env.observe()
        logits, value = model(state)
        policy = Categorical(logits=logits)
        action = policy.sample()
        reward, done = env.step(action)
        memory.append((state, action, reward, done, value, policy.entropy()))
    states, actions, rewards, dones, values, entropies = (torch.stack(part) for part in zip(*memory))
    future = model(env.observe())[1]
    returns = torch.zeros_like(rewards)
    for t in reversed(range(steps)):
        future = rewards[t] + GAMMA * (1 - dones[t]) * future
        returns[t] = future
    return states, actions, returns, returns - values, entropies, rewards.sum() / dones.sum().clamp(min=1)


torch.manual_seed(65)
env, model = Corridors(ENVS), ActorCritic()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
recent = []
for update in range(1, 301):
    states, actions, returns, advantages, entropies, score = rollout(model, env, 20)
    logits, values = model(states)
    policy = Categorical(logits=logits)
    actor_loss = -(policy.log_prob(actions) * advantages).mean()
    critic_loss = (values - returns).square().mean()
    loss = actor_loss + VALUE * critic_loss - ENTROPY * entropies.mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    recent = (recent + [score.item()])[-40:]
    if update % 50 == 0:
        print(f"update {update} loss {loss.item():.4f} mean prize of the last updates {sum(recent) / len(recent):.4f}")
