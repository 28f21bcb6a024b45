"""How far diabetes has got after a year, from what can be had without taking blood."""
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn

table = load_diabetes()
columns = ["age", "sex", "bmi", "bp"]
torch.manual_seed(39)
order = torch.randperm(len(table.target))
train, test = order[110:], order[:110]
values = table.data[:, [table.feature_names.index(name) for name in columns]]
target = table.target.reshape(-1, 1)
x = torch.tensor(StandardScaler().fit(values[train]).transform(values), dtype=torch.float32)
y = torch.tensor(StandardScaler().fit(target[train]).transform(target), dtype=torch.float32)

model = nn.Sequential(nn.Linear(len(columns), 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
for epoch in range(15):
    for rows in train[torch.randperm(len(train))].split(20):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = (model(x[test]) - y[test]).square().mean() / y[test].square().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - left:.4f}")
