import math
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import TensorDataset, DataLoader

torch.manual_seed(5)
np.random.seed(5)

N_MIXES = 4
OUT = 2


def arm_data(n):
    a = np.random.uniform(0.3, 2.8, n)
    b = np.random.choice([-1.0, 1.0], n) * np.random.uniform(0.6, 1.6, n)
    px = 0.6 * np.cos(a) + 0.4 * np.cos(a + b)
    py = 0.6 * np.sin(a) + 0.4 * np.sin(a + b)
    hand = np.stack([px, py], 1) + np.random.normal(0, 0.003, (n, 2))
    return torch.tensor(hand, dtype=torch.float32), torch.tensor(np.stack([a, b], 1), dtype=torch.float32)


class MDN(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, N_MIXES)
        self.mu = nn.Linear(hidden, N_MIXES * OUT)
        self.sigma = nn.Linear(hidden, N_MIXES * OUT)

    def forward(self, x):
        h = self.body(x)
        log_pi = torch.log_softmax(self.pi(h), dim=1)
        mu = self.mu(h).view(-1, N_MIXES, OUT)
        sigma = nn.functional.elu(self.sigma(h)).view(-1, N_MIXES, OUT) + 1 + 1e-3
        return log_pi, mu, sigma


def mdn_loss(params, target):
    log_pi, mu, sigma = params
    z = (target[:, None, :] - mu) / sigma
    log_prob = -0.5 * z ** 2 - torch.log(sigma) - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_pi + log_prob.sum(-1), dim=1).mean()


def close_share(model, x, y):
    model.eval()
    with torch.no_grad():
        log_pi, mu, sigma = model(x)
        z = (y[:, None, :] - mu) / sigma
        score = log_pi + (-0.5 * z ** 2 - torch.log(sigma)).sum(-1)
        best = score.argmax(1)
        chosen = mu[torch.arange(len(x)), best]
    return ((chosen - y).abs().max(1).values < 0.1).float().mean().item()


x, y = arm_data(3000)
xv, yv = arm_data(600)
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)

model = MDN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)

for epoch in range(60):
    model.train()
    running = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = mdn_loss(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        running += loss.item() * len(xb)
    scheduler.step()
    if epoch % 6 == 5:
        model.eval()
        with torch.no_grad():
            val = mdn_loss(model(xv), yv).item()
        print(f'epoch {epoch + 1}: loss {running / len(x):.3f} val_loss {val:.3f}')

print(f'final share of test targets matched: {close_share(model, xv, yv):.3f}')
