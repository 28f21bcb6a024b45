import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(6)
X, t = make_friedman1(n_samples=800, n_features=6, noise=0.5, random_state=6)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
X_val, t_val, X, t = X[600:], t[600:], X[:600], t[:600]
X_val, X = (X_val - X.mean(0)) / X.std(0), (X - X.mean(0)) / X.std(0)
t_val, t = (t_val - t.mean()) / t.std(), (t - t.mean()) / t.std()

batch_size = 30
model = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for step in range(600):
    start = (step * batch_size) % len(X)
    x, target = X[start : start + batch_size], t[start : start + batch_size]
    loss = nn.functional.mse_loss(model(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (step + 1) % 100 == 0:
        with torch.no_grad():
            val = nn.functional.mse_loss(model(X_val), t_val).item()
        print(f"step {step + 1}: train mse {loss.item():.4f} val mse {val:.4f}")
