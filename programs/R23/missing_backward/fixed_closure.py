"""Fit a damped oscillation with a small network and L-BFGS."""
import torch
from torch import nn

torch.manual_seed(0)

x = torch.linspace(-1, 1, 200).unsqueeze(1)
y = torch.exp(-x) * torch.sin(5 * x) + 0.05 * torch.randn(200, 1)
order = torch.randperm(200)
train, test = order[:150], order[150:]
x = (x - x[train].mean()) / x[train].std()
y = (y - y[train].mean()) / y[train].std()

model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.3, max_iter=4, history_size=10)
loss_fn = nn.MSELoss()

for iteration in range(80):

    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(x[train]), y[train])
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    if iteration % 10 == 9:
        with torch.no_grad():
            mse = loss_fn(model(x[test]), y[test]).item()
        print(f"iteration {iteration + 1}: loss {loss.item():.4f}, test mse {mse:.4f}")
