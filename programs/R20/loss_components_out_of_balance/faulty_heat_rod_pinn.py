"""Physics-informed network for a rod that cools: u_t = a u_xx on [0, 1], u = 0 at both ends, two sine modes at the start."""
import math

import torch

torch.manual_seed(1234)
A = 0.05


def exact(x, t):
    return torch.sin(math.pi * x) * torch.exp(-A * math.pi**2 * t) + 0.5 * torch.sin(3 * math.pi * x) * torch.exp(
        -A * 9 * math.pi**2 * t
    )


class PINN(torch.nn.Module):
    def __init__(self, layers=(2, 32, 32, 32, 1)):
        super().__init__()
        self.linears = torch.nn.ModuleList(torch.nn.Linear(i, o) for i, o in zip(layers[:-1], layers[1:]))
        for layer in self.linears:
            torch.nn.init.xavier_normal_(layer.weight)
            torch.nn.init.zeros_(layer.bias)

    def forward(self, x, t):
        h = torch.cat([2 * x - 1, 2 * t - 1], dim=1)
        for layer in self.linears[:-1]:
            h = torch.tanh(layer(h))
        return self.linears[-1](h)

    def residual(self, x, t):
        u = self(x, t)
        ones = torch.ones_like(u)
        u_t = torch.autograd.grad(u, t, ones, create_graph=True)[0]
        u_x = torch.autograd.grad(u, x, ones, create_graph=True)[0]
        u_xx = torch.autograd.grad(u_x, x, torch.ones_like(u_x), create_graph=True)[0]
        return u_t - A * u_xx


class Trainer:
    def __init__(self, model, n_f=400, n_b=80):
        self.model, self.n_f, self.n_b = model, n_f, n_b
        self.weights = {"pde": 1.0, "initial": 1e-4, "boundary": 1e-4}
        self.optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=0.9985)

    def terms(self):
        x_f = torch.rand(self.n_f, 1, requires_grad=True)
        t_f = torch.rand(self.n_f, 1, requires_grad=True)
        x_0, zero = torch.rand(self.n_b, 1), torch.zeros(self.n_b, 1)
        t_b, side = torch.rand(self.n_b, 1), torch.randint(0, 2, (self.n_b, 1)).float()
        return {
            "pde": self.model.residual(x_f, t_f).pow(2).mean(),
            "initial": (self.model(x_0, zero) - exact(x_0, zero)).pow(2).mean(),
            "boundary": self.model(side, t_b).pow(2).mean(),
        }

    def step(self):
        terms = self.terms()
        loss = sum(self.weights[name] * value for name, value in terms.items())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return {name: value.item() for name, value in terms.items()}


trainer = Trainer(PINN())
for it in range(1, 1001):
    terms = trainer.step()
    if it % 200 == 0:
        print(f"It {it}: " + ", ".join(f"{k} {v:.2e}" for k, v in terms.items()))
grid = torch.linspace(0, 1, 51)
X, T = torch.meshgrid(grid, grid, indexing="ij")
with torch.no_grad():
    u = trainer.model(X.reshape(-1, 1), T.reshape(-1, 1)).reshape(51, 51)
error = (u - exact(X, T)).norm() / exact(X, T).norm()
print(f"relative L2 error: {error:.4f}")
