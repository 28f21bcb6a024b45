"""Survival with censoring: Cox's partial likelihood, for which the rows of a batch are sorted by time."""
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(19)
torch.manual_seed(19)
n = 2400
age = rng.uniform(30, 85, n)
dose = rng.gamma(2.0, 1.5, n)
marker = rng.standard_normal((n, 6))
treated = rng.integers(0, 2, n)
risk = 0.05 * (age - 55) + 0.8 * np.sin(1.5 * marker[:, 0]) + 0.5 * marker[:, 1] * (2 * treated - 1) - 0.3 * np.log1p(dose)
lifetime = rng.weibull(1.4, n) * np.exp(-risk / 1.4) * 10
censoring = rng.exponential(18, n)
time, event = np.minimum(lifetime, censoring), (lifetime <= censoring)

table = np.column_stack([age, np.log1p(dose), marker, treated]).astype(np.float32)
mean, std = table[:1800].mean(0), table[:1800].std(0)
x = torch.from_numpy((table - mean) / std)
time, event = torch.tensor(time, dtype=torch.float32), torch.tensor(event)


def partial_likelihood(log_hazard, times, events):
    order = times.argsort(descending=True)
    log_hazard, events = log_hazard[order], events[order]
    at_risk = log_hazard.logcumsumexp(0)
    return -(log_hazard - at_risk)[events].mean()


def concordance(score, times, events):
    earlier = (times[:, None] < times[None]) & events[:, None]
    agrees = (score[:, None] > score[None]).float() + 0.5 * (score[:, None] == score[None]).float()
    return (agrees * earlier).sum() / earlier.sum()


net = nn.Sequential(nn.Linear(9, 32), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(32, 16), nn.SELU(), nn.Linear(16, 1, bias=False))
opt = torch.optim.AdamW(net.parameters(), lr=1.5e-2, weight_decay=0.02)
annealing = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 60)
train, test = torch.arange(1800), torch.arange(1800, n)
for epoch in range(60):
    net.train()
    losses = []
    for rows in train[torch.randperm(1800)].chunk(6):
        loss = partial_likelihood(net(x[rows]).squeeze(1), time[rows], event[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    annealing.step()
    if epoch % 10 == 9:
        net.eval()
        with torch.no_grad():
            index = concordance(net(x[test]).squeeze(1), time[test], event[test])
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, concordance on the test patients {index:.3f}")
