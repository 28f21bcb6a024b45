import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def sensor(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 4))
    mean = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]
    sd = 0.02 + 0.1 * (x[:, 3] > 0)
    y = mean + sd * rng.normal(size=n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class MeanVariance(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.mean = nn.Linear(64, 1)
        self.log_var = nn.Linear(64, 1)
        nn.init.zeros_(self.log_var.weight)
        nn.init.zeros_(self.log_var.bias)

    def forward(self, x):
        h = self.trunk(x)
        return self.mean(h).squeeze(1), self.log_var(h).squeeze(1)


def nll(mean, log_var, y):
    return 0.5 * (log_var + (y - mean) ** 2 * torch.exp(-log_var)).mean()


class Fitter:
    def __init__(self, epochs=40):
        torch.manual_seed(15)
        self.net = MeanVariance()
        self.opt = torch.optim.Adam(self.net.parameters(), lr=2e-3)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)
        self.epochs = epochs
        self.loader = DataLoader(TensorDataset(*sensor(4000, 0)), batch_size=64, shuffle=True)
        self.test = sensor(1000, 1)

    def evaluate(self):
        self.net.eval()
        x, y = self.test
        with torch.no_grad():
            m, lv = self.net(x)
        r2 = 1 - ((m - y) ** 2).mean() / y.var()
        inside = ((y - m).abs() < 1.96 * torch.exp(0.5 * lv)).float().mean()
        return nll(m, lv, y).item(), r2.item(), inside.item()

    def run(self):
        for epoch in range(self.epochs):
            self.net.train()
            losses = []
            for x, y in self.loader:
                loss = nll(*self.net(x), y)
                self.opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
                self.opt.step()
                losses.append(loss.item())
            self.sched.step()
            if epoch % 4 == 3:
                v, r2, inside = self.evaluate()
                print(f"epoch {epoch + 1} train_nll {np.mean(losses):.3f} test_nll {v:.3f} coverage {inside:.3f} test_r2 {r2:.4f}")


Fitter().run()
