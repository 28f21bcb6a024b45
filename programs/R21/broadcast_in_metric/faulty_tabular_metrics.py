"""A table learner with callbacks for metrics."""
from functools import partial

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FlatMSE(nn.Module):
    def forward(self, predictions, targets):
        return nn.functional.mse_loss(predictions.view(-1), targets.view(-1))


def mean_squared_error(pred, targ):
    return ((pred - targ) ** 2).mean()


def mean_absolute_target(pred, targ):
    return targ.abs().mean()


class Learner:
    def __init__(self, data, valid, layers, metrics, opt_func):
        self.train_dl, self.valid_dl = data, valid
        sizes = [10, *layers]
        blocks = []
        for a, b in zip(sizes[:-1], sizes[1:]):
            blocks += [nn.Linear(a, b), nn.ReLU(inplace=True), nn.BatchNorm1d(b)]
        self.model = nn.Sequential(*blocks, nn.Linear(sizes[-1], 1))
        self.metrics, self.loss_func = metrics, FlatMSE()
        self.opt = opt_func(self.model.parameters())

    def validate(self):
        self.model.eval()
        sums, n = [0.0] * len(self.metrics), 0
        with torch.no_grad():
            for xb, yb in self.valid_dl:
                out = self.model(xb)
                for k, metric in enumerate(self.metrics):
                    sums[k] += metric(out, yb).item() * len(xb)
                n += len(xb)
        return [value / n for value in sums]

    def fit(self, epochs):
        for epoch in range(epochs):
            self.model.train()
            for xb, yb in self.train_dl:
                loss = self.loss_func(self.model(xb), yb)
                loss.backward()
                self.opt.step()
                self.opt.zero_grad()
            values = self.validate()
            row = "  ".join(f"{m.__name__} {v:.4f}" for m, v in reversed(list(zip(self.metrics, values))))
            print(f"{epoch:>3}  train {loss.item():.4f}  valid {row}")


torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
order = torch.randperm(len(x))
x, y = x[order] / x[order][:342].std(0), (y[order] - y[order][:342].mean()) / y[order][:342].std()
train = DataLoader(TensorDataset(x[:342], y[:342]), 32, shuffle=True, drop_last=True)
valid = DataLoader(TensorDataset(x[342:], y[342:]), 50)
learn = Learner(train, valid, [24], [mean_squared_error, mean_absolute_target], partial(torch.optim.Adam, lr=5e-3, weight_decay=1e-2))
learn.fit(12)
