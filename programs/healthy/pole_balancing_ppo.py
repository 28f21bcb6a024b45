"""PPO on a hand-written pole balancing task: 8 environments, GAE, clipped ratio, several passes over each rollout."""
import math

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Poles:
    """The equations of Barto, Sutton and Anderson (1983), for many poles at a time."""

    def __init__(self, count, limit=200):
        self.count, self.limit = count, limit
        self.state = (torch.rand(count, 4) - 0.5) * 0.1
        self.age = torch.zeros(count)

    def step(self, action):
        x, v, angle, w = self.state.unbind(1)
        force = torch.where(action == 1, 10.0, -10.0)
        temp = (force + 0.05 * w ** 2 * angle.sin()) / 1.1
        acceleration = (9.8 * angle.sin() - angle.cos() * temp) / (0.5 * (4 / 3 - 0.1 * angle.cos() ** 2 / 1.1))
        linear = temp - 0.05 * acceleration * angle.cos() / 1.1
        self.state = torch.stack([x + 0.02 * v, v + 0.02 * linear, angle + 0.02 * w, w + 0.02 * acceleration], 1)
        self.age += 1
        failed = (self.state[:, 0].abs() > 2.4) | (self.state[:, 2].abs() > 12 * math.pi / 180)
        done = failed | (self.age >= self.limit)
        lengths = self.age[done].tolist()
        self.state[done] = (torch.rand(int(done.sum()), 4) - 0.5) * 0.1
        self.age[done] = 0
        return self.state.clone(), torch.ones(self.count), done.float(), lengths


def layer(inputs, outputs, gain=math.sqrt(2)):
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(layer(4, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 2, 0.01))
        self.critic = nn.Sequential(layer(4, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))

    def forward(self, state):
        return Categorical(logits=self.actor(state)), self.critic(state).squeeze(-1)


envs, horizon, gamma, lam = Poles(8), 128, 0.99, 0.95
model = ActorCritic().to(device)
updates = 30
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-5)
state = envs.state.clone()
recent = []
for update in range(updates):
    optimizer.param_groups[0]["lr"] = 1e-3 * (1 - update / updates)
    buffer = {key: [] for key in ("state", "action", "logp", "value", "reward", "done")}
    for _ in range(horizon):
        with torch.no_grad():
            policy, value = model(state.to(device))
            action = policy.sample()
        following, reward, done, lengths = envs.step(action.cpu())
        for key, item in zip(buffer, (state, action.cpu(), policy.log_prob(action).cpu(), value.cpu(), reward, done)):
            buffer[key].append(item)
        state, recent = following, (recent + lengths)[-40:]
    data = {key: torch.stack(items) for key, items in buffer.items()}
    with torch.no_grad():
        next_value = model(state.to(device))[1].cpu()
    advantage, running = torch.zeros(horizon, 8), torch.zeros(8)
    for t in reversed(range(horizon)):
        alive = 1 - data["done"][t]
        delta = data["reward"][t] + gamma * next_value * alive - data["value"][t]
        running = delta + gamma * lam * alive * running
        advantage[t], next_value = running, data["value"][t]
    returns = (advantage + data["value"]).flatten().to(device)
    flat = {key: items.flatten(0, 1).to(device) for key, items in data.items()}
    advantage = advantage.flatten().to(device)
    for _ in range(4):
        for index in torch.randperm(horizon * 8).split(256):
            policy, value = model(flat["state"][index])
            ratio = (policy.log_prob(flat["action"][index]) - flat["logp"][index]).exp()
            adv = advantage[index]
            adv = (adv - adv.mean()) / (adv.std() + 1e-8)
            policy_loss = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()
            value_loss = 0.5 * (value - returns[index]).pow(2).mean()
            loss = policy_loss + 0.5 * value_loss - 0.01 * policy.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    if update % 5 == 4:
        print(f"update {update + 1}: mean length of the last episodes {sum(recent) / len(recent):.1f}, value loss {value_loss.item():.2f}")
