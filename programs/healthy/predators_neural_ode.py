"""Neural ordinary differential equation for predator and prey, integrated with a hand-written Runge-Kutta step."""
import numpy as np
import torch
from scipy.integrate import odeint
from torch import nn

torch.manual_seed(9)
rng = np.random.default_rng(9)
DT, STEPS = 0.15, 80


def lotka_volterra(s, _):
    prey, pred = s
    return [1.1 * prey - 0.6 * prey * pred, -0.9 * pred + 0.35 * prey * pred]


def populations(n):
    t = np.arange(STEPS) * DT
    runs = [odeint(lotka_volterra, rng.uniform([1.0, 0.8], [4.5, 3.5]), t) for _ in range(n)]
    return torch.tensor(np.log(np.stack(runs)), dtype=torch.float32)


class Dynamics(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        nn.init.normal_(self.f[-1].weight, std=0.01)
        nn.init.zeros_(self.f[-1].bias)

    def rk4(self, s):
        k1 = self.f(s)
        k2 = self.f(s + DT / 2 * k1)
        k3 = self.f(s + DT / 2 * k2)
        k4 = self.f(s + DT * k3)
        return s + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def forward(self, s, steps):
        path = [s]
        for _ in range(steps - 1):
            path.append(self.rk4(path[-1]))
        return torch.stack(path, dim=1)


clean = populations(24)
train = clean + 0.03 * torch.randn_like(clean)
test = populations(8)
model = Dynamics()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.995)
ITERS = 500
for it in range(1, ITERS + 1):
    window = 6 if it < 200 else 12
    run = torch.randint(len(train), (48,))
    start = torch.randint(STEPS - window, (48,))
    target = train[run[:, None], start[:, None] + torch.arange(window)]
    pred = model(target[:, 0], window)
    loss = (pred - target).abs().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if it % 100 == 0:
        with torch.no_grad():
            path = model(test[:, 0], STEPS)
        err = (path - test).pow(2).mean().sqrt()
        print(f"iteration {it} window {window} loss {loss.item():.4f} rms error over {STEPS} steps {err:.4f}")
print(f"spread of the log populations {test.std():.4f}")
