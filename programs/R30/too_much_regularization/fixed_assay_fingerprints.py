"""Multi-output regression: five binding assays from 64-bit fingerprints (5 folds are run on the cluster, this is fold 0)."""
import logging
import math

import numpy as np
import torch
import torch.nn as nn

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("assay")

HP = dict(lr=2e-3, weight_decay=0.05, hidden=128, depth=3, batch=64, epochs=25, dropout=0.05, warmup=2)


def compounds(n=2500, bits=64, seed=21):
    rng = np.random.default_rng(seed)
    scaffold = rng.random((12, bits)) < 0.35
    pick = rng.integers(0, 12, n)
    fp = np.where(rng.random((n, bits)) < 0.25, rng.random((n, bits)) < 0.4, scaffold[pick])
    fp = fp.astype(np.float32)
    pairs = rng.integers(0, bits, (40, 2))
    inter = fp[:, pairs[:, 0]] * fp[:, pairs[:, 1]]
    w1, w2 = rng.normal(0, 0.35, (bits, 5)), rng.normal(0, 0.45, (40, 5))
    y = fp @ w1 + inter @ w2 + rng.normal(0, 0.25, (n, 5))
    return fp, (6 + y).astype(np.float32)


class ResidualMLP(nn.Module):
    def __init__(self, n_in, n_out, hidden, depth, dropout):
        super().__init__()
        self.inp = nn.Linear(n_in, hidden)
        self.blocks = nn.ModuleList([
            nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, hidden))
            for _ in range(depth)])
        self.out = nn.Linear(hidden, n_out)

    def forward(self, x):
        h = torch.relu(self.inp(x))
        for b in self.blocks:
            h = torch.relu(h + b(h))
        return self.out(h)


def lr_at(epoch):
    if epoch < HP["warmup"]:
        return (epoch + 1) / HP["warmup"]
    p = (epoch - HP["warmup"]) / (HP["epochs"] - HP["warmup"])
    return 0.5 * (1 + math.cos(math.pi * p))


def mean_r2(pred, y):
    return (1 - ((pred - y) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).mean().item()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = compounds()
    fold = np.random.default_rng(0).integers(0, 5, len(x))
    tr, va = fold != 0, fold == 0
    mu, sd = y[tr].mean(0), y[tr].std(0)
    y = (y - mu) / sd
    x_tr, y_tr, x_va, y_va = (torch.from_numpy(a) for a in (x[tr], y[tr], x[va], y[va]))

    model = ResidualMLP(x.shape[1], y.shape[1], HP["hidden"], HP["depth"], HP["dropout"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=HP["lr"], weight_decay=HP["weight_decay"])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_at)
    for epoch in range(HP["epochs"]):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_tr)).split(HP["batch"]):
            loss = nn.functional.mse_loss(model(x_tr[idx]), y_tr[idx])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            r2 = mean_r2(model(x_va), y_va)
        log.info("epoch %2d  train mse %.4f  val mean R2 %.4f", epoch, total / len(x_tr), r2)
    log.info("done, val mean R2 %.4f", r2)


if __name__ == "__main__":
    main()
