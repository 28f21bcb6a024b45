"""One trunk, three tasks: kind of machine (always known), load (known for two thirds), wear (known for a third)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import r2_score

rng = np.random.default_rng(23)
torch.manual_seed(23)
N, L = 2600, 96

kind = rng.integers(0, 4, N)
load = rng.uniform(0.2, 1.0, N)
wear = rng.beta(1.5, 3, N)
t = np.arange(L) / L
base = np.array([6, 9, 12, 15])[kind] * (1 - 0.06 * load)
phase = rng.uniform(0, 2 * np.pi, N)
signal = (0.5 + load)[:, None] * np.sin(2 * np.pi * base[:, None] * t + phase[:, None])
signal += 0.9 * wear[:, None] * np.sin(2 * np.pi * 2.7 * base[:, None] * t + 3 * phase[:, None])
signal += rng.normal(0, 0.25, (N, L))
wear_hours = 4000 * wear

x = torch.tensor(signal, dtype=torch.float32).unsqueeze(1)
y_kind = torch.tensor(kind)
y_load = torch.tensor(load, dtype=torch.float32)
y_wear = torch.tensor(wear_hours, dtype=torch.float32)
train, test = slice(0, 2000), slice(2000, N)
has_load = torch.tensor(rng.random(N) < 0.66)
has_wear = torch.tensor(rng.random(N) < 0.33)
known_wear = y_wear[train][has_wear[train]]
wear_mu, wear_sd = known_wear.mean(), known_wear.std()
y_load_known = torch.where(has_load, y_load, torch.nan)
y_wear_known = torch.where(has_wear, (y_wear - wear_mu) / wear_sd, torch.nan)


class Trunk(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.conv = nn.ModuleList([nn.Conv1d(1, c, 9, 2, 4), nn.Conv1d(c, c, 7, 2, 3), nn.Conv1d(c, 2 * c, 5, 2, 2)])
        self.norm = nn.ModuleList([nn.BatchNorm1d(c), nn.BatchNorm1d(c), nn.BatchNorm1d(2 * c)])
        self.heads = nn.ModuleDict({"kind": nn.Linear(4 * c, 4), "load": nn.Linear(4 * c, 1), "wear": nn.Linear(4 * c, 1)})

    def forward(self, x):
        for conv, norm in zip(self.conv, self.norm):
            x = F.relu(norm(conv(x)))
        z = torch.cat([x.mean(-1), x.amax(-1)], 1)
        return {k: h(z).squeeze(-1) for k, h in self.heads.items()}


def masked_mse(pred, target):
    known = ~torch.isnan(target)
    if not known.any():
        return pred.sum() * 0.0
    return F.mse_loss(pred[known], target[known])


model = Trunk()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
for epoch in range(14):
    model.train()
    sums = np.zeros(3)
    order = torch.randperm(2000)
    for i in order.split(50):
        out = model(x[i])
        parts = (F.cross_entropy(out["kind"], y_kind[i]), masked_mse(out["load"], y_load_known[i]), masked_mse(out["wear"], y_wear_known[i]))
        loss = parts[0] + 4.0 * parts[1] + parts[2]
        opt.zero_grad()
        loss.backward()
        opt.step()
        sums += [p.item() for p in parts]
    if epoch == 9:
        for group in opt.param_groups:
            group["lr"] *= 0.2
    print(f"epoch {epoch + 1:2d}", "kind %.3f load %.4f wear %.3f" % tuple(sums / 40))

model.eval()
with torch.no_grad():
    out = model(x[test])
acc = (out["kind"].argmax(1) == y_kind[test]).float().mean()
print(f"accuracy of the kind {acc:.3f}, R2 of the load {r2_score(y_load[test], out['load']):.3f}, "
      f"R2 of the wear {r2_score(y_wear[test], out['wear'] * wear_sd + wear_mu):.3f}")
