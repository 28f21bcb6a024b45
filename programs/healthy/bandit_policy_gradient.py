"""REINFORCE on a contextual bandit: choose the treatment by a patient's measurements."""

import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(16)
wine = load_wine()
order = torch.randperm(178)
context, best_arm = torch.tensor(wine.data).float()[order], torch.tensor(wine.target)[order]
context = (context - context[:130].mean(0)) / context[:130].std(0)

policy = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
baseline = 1 / 3
for step in range(1, 301):
    rows = torch.randint(130, (32,))
    distribution = Categorical(logits=policy(context[rows]))
    arm = distribution.sample()
    reward = (arm == best_arm[rows]).float() + 0.1 * torch.randn(32)
    loss = -((reward - baseline) * distribution.log_prob(arm)).mean() - 0.01 * distribution.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    baseline = 0.95 * baseline + 0.05 * reward.mean().item()
    if step % 50 == 0:
        with torch.no_grad():
            accuracy = (policy(context[130:]).argmax(1) == best_arm[130:]).float().mean().item()
        print(f"step {step}: mean reward {baseline:.3f} best arm chosen on new patients {accuracy:.3f}")
