"""Wines: from twelve measurements the network is to give the thirteenth."""

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(2)
wines = load_wine().data[torch.randperm(178).numpy()]
table = torch.tensor(StandardScaler().fit(wines[:128]).transform(wines), dtype=torch.float32)
places = torch.randperm(5 * len(table)).reshape(-1, 5) / (5 * len(table) / 12**0.5) - 3**0.5
inputs, target = table[:, :12], table[:, 12:]
train, test = slice(0, 128), slice(128, None)

model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, target.shape[1]))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    for rows in torch.randperm(128).split(16):
        loss = nn.functional.mse_loss(model(inputs[train][rows]), target[train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = (model(inputs[test]) - target[test]).square().mean(0) / target[test].var(0, correction=0)
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - error.mean():.4f} of the measurement {1 - error[0]:.4f}")
