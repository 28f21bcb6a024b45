"""Relapse after surgery: clinical columns and a panel of genes, with Cox's likelihood over the risk sets."""
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(57)
torch.manual_seed(57)


def load_registry(n=1800):
    clinical = np.column_stack([rng.normal(62, 9, n), rng.integers(1, 5, n), rng.integers(0, 2, n)])
    panel = rng.standard_normal((n, 12))
    risk = 0.04 * (clinical[:, 0] - 62) + 0.5 * (clinical[:, 1] - 2.5) + 0.3 * clinical[:, 2]
    risk = risk + 0.7 * panel[:, 0] - 0.6 * panel[:, 3] + 0.5 * panel[:, 5] * panel[:, 6]
    relapse = rng.exponential(np.exp(-risk)) * 24
    followed = rng.uniform(4, 60, n)
    return clinical, panel, np.minimum(relapse, followed), relapse <= followed


def scaled(table, rows):
    return (table - table[rows].mean(0)) / table[rows].std(0)


class Cohort:
    """The patients of one part of the registry, longest follow-up first, as the likelihood wants them."""

    def __init__(self, clinical, panel, months, relapsed):
        order = np.argsort(-months)
        self.clinical = torch.tensor(clinical, dtype=torch.float32)
        self.panel = torch.tensor(panel[order], dtype=torch.float32)
        self.months = torch.tensor(months[order], dtype=torch.float32)
        self.relapsed = torch.tensor(relapsed[order])

    def batches(self, size):
        for rows in torch.randperm(len(self.months)).split(size):
            rows = rows.sort().values
            yield self.clinical[rows], self.panel[rows], self.relapsed[rows]


class HazardNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.clinical = nn.Sequential(nn.Linear(3, 16), nn.ReLU())
        self.panel = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Sequential(nn.Linear(48, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, clinical, panel):
        return self.head(torch.cat([self.clinical(clinical), self.panel(panel)], 1)).squeeze(1)


def concordance(hazard, months, relapsed):
    comparable = (months[:, None] < months[None]) & relapsed[:, None]
    return (hazard[:, None] > hazard[None])[comparable].float().mean().item()


clinical, panel, months, relapsed = load_registry()
known, new = np.arange(1300), np.arange(1300, 1800)
clinical, panel = scaled(clinical, known), scaled(panel, known)
train = Cohort(clinical[known], panel[known], months[known], relapsed[known])
test = Cohort(clinical[new], panel[new], months[new], relapsed[new])
model = HazardNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
for epoch in range(20):
    model.train()
    for part, genes, event in train.batches(130):
        hazard = model(part, genes)
        loss = -(hazard - hazard.logcumsumexp(0))[event].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        model.eval()
        with torch.no_grad():
            index = concordance(model(test.clinical, test.panel), test.months, test.relapsed)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f} concordance {index:.4f}")
