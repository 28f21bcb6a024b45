"""Advantage actor-critic on a corridor: a small reward is near on the left, a large one far on the right."""
import torch
from torch import nn
from torch.distributions import Categorical


class Corridor:
    """Many corridors at once. The agent starts at cell 2 of 0..10; cell 0 pays 0.4, cell 10 pays 1."""

    def __init__(self, count, length=11, limit=24):
        self.count, self.length, self.limit = count, length, limit

    def reset(self):
        self.position = torch.full((self.count,), 2)
        self.alive = torch.ones(self.count, dtype=torch.bool)
        return self.observe()

    def observe(self):
        return nn.functional.one_hot(self.position, self.length).float()

    def step(self, right):
        moved = (self.position + 2 * right - 1).clamp(0, self.length - 1)
        self.position = torch.where(self.alive, moved, self.position)
        reward = 0.4 * (self.position == 0) + 1.0 * (self.position == self.length - 1)
        reward = reward * self.alive
        was_alive = self.alive.float()
        self.alive = self.alive & (self.position > 0) & (self.position < self.length - 1)
        return self.observe(), reward, was_alive


class ActorCritic(nn.Module):
    def __init__(self, inputs=11, hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh())
        self.policy = nn.Linear(hidden, 2)
        self.value = nn.Linear(hidden, 1)

    def forward(self, state):
        features = self.body(state)
        return Categorical(logits=self.policy(features)), self.value(features).squeeze(-1)


def rollout(env, model):
    state, log_probs, values, entropies, rewards, masks = env.reset(), [], [], [], [], []
    for _ in range(env.limit):
        distribution, value = model(state)
        action = distribution.sample()
        state, reward, mask = env.step(action)
        log_probs.append(distribution.log_prob(action))
        entropies.append(distribution.entropy())
        values.append(value)
        rewards.append(reward)
        masks.append(mask)
    return [torch.stack(items) for items in (log_probs, values, entropies, rewards, masks)]


def discounted(rewards, gamma=0.99):
    returns, running = [], torch.zeros_like(rewards[0])
    for reward in rewards.flip(0):
        running = reward + gamma * running
        returns.append(running)
    return torch.stack(returns[::-1])


torch.manual_seed(2)
env, model = Corridor(48), ActorCritic()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
entropy_weight, value_weight = 0.08, 0.5
for update in range(60):
    log_probs, values, entropies, rewards, masks = rollout(env, model)
    returns = discounted(rewards)
    advantage = (returns - values).detach()
    policy_loss = -(log_probs * advantage * masks).sum() / masks.sum()
    value_loss = ((returns - values) ** 2 * masks).sum() / masks.sum()
    entropy = (entropies * masks).sum() / masks.sum()
    loss = policy_loss + value_weight * value_loss - entropy_weight * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 15 == 14:
        reached = rewards.sum(0).mean().item()
        print(f"update {update + 1} loss {loss.item():.4f} entropy {entropy.item():.3f} return {reached:.4f}")
