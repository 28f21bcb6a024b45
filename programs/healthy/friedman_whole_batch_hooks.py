"""Whole-batch regression that watches its own hidden activations and gradients with hooks."""

import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(80)
X, t = make_friedman1(n_samples=600, n_features=8, noise=1.0, random_state=80)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
X_train, t_train, X_val, t_val = X[:450], t[:450], X[450:], t[450:]
x_mean, x_std, t_mean, t_std = X_train.mean(0), X_train.std(0), t_train.mean(), t_train.std()
X_train, X_val = (X_train - x_mean) / x_std, (X_val - x_mean) / x_std
t_train, t_val = (t_train - t_mean) / t_std, (t_val - t_mean) / t_std

model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
seen = {}
model[1].register_forward_hook(
    lambda module, inputs, output: seen.update(activation=output.detach().abs().mean().item())
)
model[0].weight.register_hook(lambda grad: seen.update(gradient=grad.norm().item()))

optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
for epoch in range(201):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(X_train), t_train)
    loss.backward()
    optimizer.step()
    if epoch % 40 == 0:
        with torch.no_grad():
            val = nn.functional.mse_loss(model(X_val), t_val).item()
        print(
            f"{epoch:4d} train {loss.item():.4f} val {val:.4f} "
            f"|h| {seen['activation']:.3f} |g| {seen['gradient']:.4f}"
        )
