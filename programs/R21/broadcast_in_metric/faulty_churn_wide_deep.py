"""
Customer churn, wide & deep model: categorical embeddings + numeric columns.
Keeps the checkpoint with the best validation accuracy.
"""
import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    n: int = 5000
    epochs: int = 10
    batch_size: int = 128
    lr: float = 2e-3
    emb: int = 4
    seed: int = 31


def customers(n, rng):
    contract = rng.integers(0, 3, n)           # monthly, 1 year, 2 years
    payment = rng.integers(0, 4, n)
    region = rng.integers(0, 12, n)
    tenure = rng.exponential(24, n)
    monthly = rng.normal(65, 25, n)
    tickets = rng.poisson(1.3, n)
    usage_drop = rng.normal(0, 1, n)
    region_effect = np.random.default_rng(0).normal(0, 1.2, 12)
    score = (2.2 * (contract == 0) - 1.5 * (contract == 2) + 1.0 * (payment == 1) + region_effect[region]
             - 0.06 * tenure + 0.035 * (monthly - 65) + 0.8 * tickets + 1.6 * usage_drop - 0.9)
    churn = rng.random(n) < 1 / (1 + np.exp(-1.8 * score))
    cat = np.column_stack([contract, payment, region])
    num = np.column_stack([tenure, monthly, tickets, usage_drop]).astype(np.float32)
    return cat, num, churn.astype(np.float32)


class WideAndDeep(nn.Module):
    def __init__(self, sizes, n_num, emb):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(s, emb) for s in sizes])
        self.wide = nn.ModuleList([nn.Embedding(s, 1) for s in sizes])
        self.deep = nn.Sequential(
            nn.Linear(emb * len(sizes) + n_num, 64), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1),
        )

    def forward(self, cat, num):
        deep_in = torch.cat([t(cat[:, i]) for i, t in enumerate(self.tables)] + [num], dim=1)
        wide = sum(w(cat[:, i]) for i, w in enumerate(self.wide))
        return self.deep(deep_in) + wide


def train_one_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for cat, num, y in loader:
        logits = model(cat, num)
        loss = criterion(logits, y.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def validate(model, loader, criterion):
    model.eval()
    loss, accs = 0.0, []
    for cat, num, y in loader:
        logits = model(cat, num)
        loss += criterion(logits, y.unsqueeze(1)).item() * len(y)
        pred = (torch.sigmoid(logits) > 0.5).float()
        accs.append((pred == y).float().mean().item())
    return loss / len(loader.dataset), float(np.mean(accs))


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    cat, num, y = customers(cfg.n, rng)
    n_tr = int(0.8 * cfg.n)
    mean, std = num[:n_tr].mean(0), num[:n_tr].std(0)
    num = (num - mean) / std
    data = [torch.tensor(a) for a in (cat, num, y)]
    train_loader = DataLoader(TensorDataset(*[d[:n_tr] for d in data]), cfg.batch_size, shuffle=True)
    val_loader = DataLoader(TensorDataset(*[d[n_tr:] for d in data]), 250)
    print(f"churn rate {y.mean():.3f}")

    model = WideAndDeep([3, 4, 12], num.shape[1], cfg.emb)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    best, best_state = 0.0, None
    for epoch in range(cfg.epochs):
        tr = train_one_epoch(model, train_loader, criterion, optimizer)
        va, acc = validate(model, val_loader, criterion)
        mark = ""
        if acc > best:
            best, best_state, mark = acc, copy.deepcopy(model.state_dict()), " *"
        print(f"epoch {epoch + 1:2d} train {tr:.4f} val {va:.4f} acc {acc:.4f}{mark}")
    model.load_state_dict(best_state)
    print(f"best val accuracy {best:.4f}")


if __name__ == "__main__":
    main()
