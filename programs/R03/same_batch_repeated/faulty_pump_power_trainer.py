from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    steps: int = 1500
    eval_every: int = 150
    batch_size: int = 64
    lr: float = 2e-3
    hidden: int = 64
    seed: int = 5


class PowerNet(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.body(x).squeeze(-1)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        self.prepare_data()
        self.model = PowerNet(10, cfg.hidden)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.loss_fn = nn.SmoothL1Loss()

    def prepare_data(self):
        x, y = make_friedman1(n_samples=2400, n_features=10, noise=0.5, random_state=self.cfg.seed)
        xs, ys = StandardScaler(), StandardScaler()
        x_tr, x_te = xs.fit_transform(x[:1800]), xs.transform(x[1800:])
        y_tr = ys.fit_transform(y[:1800, None])[:, 0]
        y_te = ys.transform(y[1800:, None])[:, 0]
        as_t = lambda a: torch.tensor(a, dtype=torch.float32)
        self.train_set = TensorDataset(as_t(x_tr), as_t(y_tr))
        self.test_x, self.test_y = as_t(x_te), as_t(y_te)
        order = np.random.default_rng(self.cfg.seed).permutation(len(self.train_set)).tolist()
        self.loader = DataLoader(self.train_set, batch_size=self.cfg.batch_size, sampler=order)
        self.batches = iter(self.loader)

    def next_batch(self):
        return next(iter(self.loader))

    def r2(self):
        self.model.eval()
        with torch.no_grad():
            err = ((self.model(self.test_x) - self.test_y) ** 2).mean()
        return (1 - err / self.test_y.var()).item()

    def fit(self):
        losses = []
        for step in range(1, self.cfg.steps + 1):
            self.model.train()
            x, y = self.next_batch()
            loss = self.loss_fn(self.model(x), y)
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.opt.step()
            losses.append(loss.item())
            if step % self.cfg.eval_every == 0:
                print(f"step {step} train_loss {np.mean(losses[-self.cfg.eval_every:]):.4f} test_r2 {self.r2():.4f}")


if __name__ == "__main__":
    Trainer(Config()).fit()
