"""Regression on the columns that the sensor team selected."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(1)
table, target = make_friedman1(n_samples=900, n_features=10, noise=0.5, random_state=1)
columns = [5, 6, 7, 8, 9]
X = torch.tensor(table[:, columns]).float()
t = torch.tensor(target).float().unsqueeze(1)
X_train, t_train, X_val, t_val = X[:700], t[:700], X[700:], t[700:]
x_mean, x_std, t_mean, t_std = X_train.mean(0), X_train.std(0), t_train.mean(), t_train.std()
X_train, X_val = (X_train - x_mean) / x_std, (X_val - x_mean) / x_std
t_train, t_val = (t_train - t_mean) / t_std, (t_val - t_mean) / t_std

model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)

for epoch in range(15):
    model.train()
    total = 0.0
    for rows in torch.randperm(700).split(35):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X_train[rows]), t_train[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() / 20
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(X_val), t_val).item()
    print(f"epoch {epoch}: train mse {total:.3f}, val mse {val:.3f}")
