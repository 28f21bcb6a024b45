"""Friedman's regression problem in slices."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(1)
table, target = make_friedman1(n_samples=900, n_features=8, noise=0.5, random_state=1)
X, t = torch.tensor(table).float(), torch.tensor(target).float().unsqueeze(1)
order = torch.randperm(900)
X, t = X[order], t[order]
X, t = (X - X[:700].mean(0)) / X[:700].std(0), (t - t[:700].mean()) / t[:700].std()
model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(700).split(35):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X[rows]), t[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(X[700:]), t[700:]).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
