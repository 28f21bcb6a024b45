import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
x, y = (torch.tensor(part, dtype=torch.float32) for part in load_diabetes(return_X_y=True))
x = (x - x.mean(0)) / x.std(0)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(100):
    rows = torch.randint(len(x), (64,))
    loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print(f"share of the variance explained: {1 - (model(x).squeeze(1) - y).var() / y.var():.3f}")
