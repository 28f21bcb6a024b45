"""Which customers of a bank will close their account, from a table of twelve columns."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

generator = np.random.default_rng(5)
torch.manual_seed(5)
MISSING = 99999.0


def customers(count: int) -> tuple[np.ndarray, np.ndarray]:
    common = generator.normal(size=(count, 4))
    table = np.concatenate([common, common @ generator.normal(size=(4, 8)) + generator.normal(size=(count, 8))], axis=1)
    score = table[:, 0] * table[:, 1] + table[:, 2] - 0.7 * table[:, 3] + 0.3 * generator.normal(size=count)
    leaves = (score > 0).astype(np.float32)
    table = 40 + 12 * table
    table[generator.random(table.shape) < 0.03] = MISSING
    return table.astype(np.float32), leaves


def prepare(table: np.ndarray) -> np.ndarray:
    table = np.where(table == MISSING, np.nan, table)
    center = np.nanmean(table, axis=0)
    return np.where(np.isnan(table), center, table)


rows, leaves = customers(2400)
rows = prepare(rows)
mean, deviation = rows[:1800].mean(axis=0), rows[:1800].std(axis=0)
x = torch.from_numpy((rows - mean) / deviation).float()
y = torch.from_numpy(leaves)
loader = DataLoader(TensorDataset(x[:1800], y[:1800]), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
for epoch in range(20):
    model.train()
    for part, target in loader:
        loss = nn.functional.binary_cross_entropy_with_logits(model(part).squeeze(1), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    right = ((model(x[1800:]).squeeze(1) > 0) == y[1800:].bool()).float().mean()
print(f"test accuracy {right:.4f}")
