"""Losses are summed over the batch, and the learning rate is chosen for that; the batches have different sizes."""
import torch
from sklearn.datasets import make_friedman3
from torch import nn

torch.manual_seed(2)
x, y = make_friedman3(1000, noise=0.05, random_state=2)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
centre, spread = x[:800].mean(0), x[:800].std(0)
x = (x - centre) / spread
train_x, train_y, test_x, test_y = x[:800], y[:800], x[800:], y[800:]
net = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
net[-1].bias.data.fill_(train_y.mean().item())
optimizer = torch.optim.SGD(net.parameters(), lr=6e-4, momentum=0.9)
for epoch in range(60):
    order, start, summed = torch.randperm(800), 0, 0.0
    while start < 800:
        size = int(torch.randint(12, 40, ()))
        rows = order[start : start + size]
        start += size
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(train_x[rows]).squeeze(1), train_y[rows], reduction="sum")
        loss.backward()
        optimizer.step()
        summed += loss.item()
    if epoch % 15 == 14:
        with torch.no_grad():
            error = nn.functional.mse_loss(net(test_x).squeeze(1), test_y, reduction="sum").item()
        r2 = 1 - error / (test_y - test_y.mean()).square().sum().item()
        print(f"epoch {epoch + 1}: train loss per row {summed / 800:.4f}, test R2 {r2:.4f}")
