"""Hamiltonian neural network for a particle in a double well; the loss holds derivatives of the network's output."""
import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(31)
rng = np.random.default_rng(31)


def field(_, s):
    q, p = s
    return [p, q - q**3]


def trajectories(n):
    states, slopes = [], []
    for _ in range(n):
        s0 = rng.uniform([-1.6, -0.8], [1.6, 0.8])
        sol = solve_ivp(field, (0, 6), s0, t_eval=np.linspace(0, 6, 40), rtol=1e-8)
        states.append(sol.y.T)
        slopes.append(np.array([field(0, s) for s in sol.y.T]) + rng.normal(0, 0.02, sol.y.T.shape))
    return torch.tensor(np.concatenate(states)), torch.tensor(np.concatenate(slopes))


class HNN(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def energy(self, s):
        return self.net(s).squeeze(-1)

    def forward(self, s):
        s = s.detach().requires_grad_(True)
        grad, = torch.autograd.grad(self.energy(s).sum(), s, create_graph=self.training)
        return torch.stack([grad[:, 1], -grad[:, 0]], dim=1)


X, dX = trajectories(40)
V, dV = trajectories(10)
model = HNN()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
for epoch in range(40):
    model.train()
    for b in torch.randperm(len(X)).split(80):
        loss = (model(X[b]) - dX[b]).pow(2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 8 == 7:
        model.eval()
        val = (model(V) - dV).pow(2).sum(1).mean()
        print(f"epoch {epoch + 1:3d}  train {loss.item():.5f}  valid {val.item():.5f}  (slopes' variance {dV.var():.3f})")

model.eval()
s0 = [1.3, 0.1]
times = np.linspace(0, 20, 200)
true = solve_ivp(field, (0, 20), s0, t_eval=times, rtol=1e-9).y.T
mine = solve_ivp(lambda t, s: model(torch.tensor(s)[None]).detach().numpy()[0], (0, 20), s0, t_eval=times, rtol=1e-6).y.T
H = lambda s: s[:, 1] ** 2 / 2 - s[:, 0] ** 2 / 2 + s[:, 0] ** 4 / 4
print(f"energy of the learned path: {H(mine).mean():.4f} +- {H(mine).std():.4f}, true {H(true)[0]:.4f}")
print(f"distance to the true path over the first 5 s: {np.abs(mine - true)[times < 5].mean():.4f}")
