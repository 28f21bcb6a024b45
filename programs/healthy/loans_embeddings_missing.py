import math
import random

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn

"""Loan defaults: categories with unknown levels, gaps in the numbers, one default in twelve."""

random.seed(11)
np.random.seed(11)
torch.manual_seed(11)

PURPOSES = ["car", "house", "study", "business", "travel", "other"]
REGIONS = [f"region_{i:02d}" for i in range(14)]


def make_rows(n):
    rows = []
    for _ in range(n):
        purpose = random.choice(PURPOSES)
        region = random.choice(REGIONS)
        income = math.exp(random.gauss(8.0, 0.5))
        debt = income * random.betavariate(2, 4) * 2
        years = random.expovariate(1 / 6)
        z = -4.6 + 2.6 * debt / income - 0.12 * years
        z += {"business": 1.6, "travel": 0.9, "house": -0.8}.get(purpose, 0.0)
        z += 1.4 * math.sin(int(region[-2:]) * 2.1)
        default = int(random.random() < 1 / (1 + math.exp(-1.6 * z)))
        rows.append({
            "purpose": purpose if random.random() > 0.03 else None,
            "region": region,
            "income": income if random.random() > 0.1 else None,
            "debt": debt,
            "years": years if random.random() > 0.15 else None,
            "default": default,
        })
    return rows


rows = make_rows(6000)
train_rows, valid_rows, test_rows = rows[:4000], rows[4000:5000], rows[5000:]

vocab = {}
for col in ("purpose", "region"):
    levels = sorted({r[col] for r in train_rows if r[col] is not None})
    vocab[col] = {lvl: i + 1 for i, lvl in enumerate(levels)}
numeric = ("income", "debt", "years")
stats = {}
for col in numeric:
    v = np.log1p([r[col] for r in train_rows if r[col] is not None])
    stats[col] = (np.median(v), v.mean(), v.std())


def encode(rs):
    cats = np.array([[vocab[c].get(r[c], 0) for c in vocab] for r in rs])
    nums = []
    for r in rs:
        line = []
        for c in numeric:
            med, mu, sd = stats[c]
            v = med if r[c] is None else math.log1p(r[c])
            line += [(v - mu) / sd, float(r[c] is None)]
        nums.append(line)
    y = [r["default"] for r in rs]
    return torch.tensor(cats), torch.tensor(nums, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class Tabular(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.ModuleList([nn.Embedding(len(v) + 1, 4) for v in vocab.values()])
        self.net = nn.Sequential(nn.Linear(8 + 6, 48), nn.BatchNorm1d(48), nn.SiLU(), nn.Dropout(0.2),
                                 nn.Linear(48, 24), nn.SiLU(), nn.Linear(24, 1))

    def forward(self, c, x):
        parts = [e(c[:, i]) for i, e in enumerate(self.emb)]
        return self.net(torch.cat(parts + [x], dim=1)).squeeze(1)


c_tr, x_tr, y_tr = encode(train_rows)
c_va, x_va, y_va = encode(valid_rows)
c_te, x_te, y_te = encode(test_rows)
model = Tabular()
weight = (y_tr == 0).sum() / (y_tr == 1).sum()
criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
opt = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-5)
best, best_state, patience = 0.0, None, 0
for epoch in range(40):
    model.train()
    perm = torch.randperm(len(y_tr))
    for i in range(0, len(perm) - 99, 100):
        b = perm[i:i + 100]
        opt.zero_grad()
        criterion(model(c_tr[b], x_tr[b]), y_tr[b]).backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        auc = roc_auc_score(y_va, model(c_va, x_va))
    if auc > best:
        best, patience = auc, 0
        best_state = {k: v.clone() for k, v in model.state_dict().items()}
    else:
        patience += 1
        if patience == 8:
            break
model.load_state_dict(best_state)
model.eval()
with torch.no_grad():
    p = torch.sigmoid(model(c_te, x_te))
print(f"share of defaults {y_tr.mean():.3f}, stopped after epoch {epoch + 1}, best valid AUC {best:.3f}")
print(f"test AUC {roc_auc_score(y_te, p):.3f}  average precision {average_precision_score(y_te, p):.3f}")
