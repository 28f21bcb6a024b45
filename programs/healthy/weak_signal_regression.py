"""Most of the target is noise: the best possible R2 is about 0.25."""

import torch
from torch import nn

torch.manual_seed(3)
X = torch.randn(3000, 6)
t = 0.45 * X[:, :1] - 0.3 * X[:, 1:2] + torch.randn(3000, 1)
X = (X - X[:2200].mean(0)) / X[:2200].std(0)
t = (t - t[:2200].mean()) / t[:2200].std()
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8 * 40)
for epoch in range(8):
    model.train()
    total = 0.0
    for rows in torch.randperm(2200).split(55):
        loss = nn.functional.mse_loss(model(X[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() / 40
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(X[2200:]), t[2200:]).item()
    print(f"epoch {epoch}: train mse {total:.3f} val mse {val:.3f} R2 {1 - val / t[2200:].var().item():.3f}")
