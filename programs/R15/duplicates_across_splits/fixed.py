"""Regression on the records of two exports of the same plant."""
import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
X, t = make_friedman1(n_samples=400, n_features=8, noise=1.5, random_state=0)
records = np.column_stack([X, t])
records = np.unique(np.concatenate([records[:350], records[50:]]), axis=0)
records = torch.tensor(rng.permutation(records), dtype=torch.float32)

cut = int(0.75 * len(records))
mean, std = records[:cut].mean(0), records[:cut].std(0)
records = (records - mean) / std
train, val = records[:cut], records[cut:]
x_train, t_train, x_val, t_val = train[:, :8], train[:, 8:], val[:, :8], val[:, 8:]

model = nn.Sequential(nn.Linear(8, 48), nn.SiLU(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
for epoch in range(20):
    for rows in torch.randperm(len(train)).split(20):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x_train[rows]), t_train[rows])
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x_val), t_val).item()
    print(f"epoch {epoch}: train mse {loss.item():.3f}, val mse {error:.3f}")
