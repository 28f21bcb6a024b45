import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
table = torch.tensor(load_wine().data, dtype=torch.float32)[torch.randperm(178)]
x, alcohol = table[:, 1:], table[:, 0]  # 13 % on average, give or take 0.8
x = (x - x.mean(0)) / x.std(0)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(100):
    rows = torch.randint(130, (32,))
    loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), alcohol[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    error = model(x[130:]).squeeze(1) - alcohol[130:]
    print(f"validation: share of the variance explained {1 - error.square().mean() / alcohol[130:].var():.3f}")
