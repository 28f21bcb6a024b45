import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(2)
X, t = make_friedman1(n_samples=1000, n_features=7, noise=0.5, random_state=2)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
X_train, t_train, X_val, t_val = X[:800], t[:800], X[800:], t[800:]
x_mean, x_std, t_mean, t_std = X_train.mean(0), X_train.std(0), t_train.mean(), t_train.std()
X_train, X_val = (X_train - x_mean) / x_std, (X_val - x_mean) / x_std
t_train, t_val = (t_train - t_mean) / t_std, (t_val - t_mean) / t_std

batch_size = 20
model = nn.Sequential(nn.Linear(7, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
step = 0
while step < 600:
    model.train()
    order = torch.randperm(len(X_train))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X_train[rows]), t_train[rows])
        loss.backward()
        optimizer.step()
        step += 1
        if step % 120 == 0:
            with torch.no_grad():
                val = nn.functional.mse_loss(model(X_val), t_val).item()
            print(f"step {step}: train {loss.item():.4f} val mse {val:.4f}")
