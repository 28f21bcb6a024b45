import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
data = load_diabetes()
x, y = torch.tensor(data.data).float() * 20, torch.tensor(data.target).float()[:, None] / 100
train, val = slice(0, 350), slice(350, 442)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(350).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        prediction = model(x[val])
        error = (prediction - y[val].squeeze(1)).abs().mean()
    print(f"epoch {epoch}: validation error {error:.3f}")
