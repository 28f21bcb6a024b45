"""Wines from three growers; a label is missing on many of the older bottles."""
import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(2)
torch.manual_seed(2)
wine = load_wine()
chosen = rng.permutation(np.repeat(np.arange(len(wine.target)), 5))
bottles = wine.data[chosen] * rng.normal(1.0, 0.06, (len(chosen), 13))
grower = wine.target[chosen]
known = rng.random(len(grower)) < 0.5
labels = np.where(known, grower, rng.integers(0, 3, len(grower)))

train, test = np.arange(600), np.arange(600, len(grower))
centre, spread = bottles[train].mean(0), bottles[train].std(0)
x = torch.tensor((bottles - centre) / spread, dtype=torch.float32)
y = torch.tensor(labels)
age = torch.tensor(rng.integers(1, 12, (len(grower), 1)) / 12, dtype=torch.float32)
rows = TensorDataset(x[train], age[train], y[train])
loader = DataLoader(rows, batch_size=30, shuffle=True)
x_test, age_test, y_test = x[test], age[test], torch.tensor(grower[test])



class Taster(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(14, 24), nn.Linear(24, 3)

    def forward(self, chemistry, age):
        return self.out(torch.tanh(self.hidden(torch.cat([chemistry, age], dim=1))))


model = Taster()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(20):
    model.train()
    for xb, ab, yb in loader:
        loss = nn.functional.cross_entropy(model(xb, ab), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test, age_test).argmax(1) == y_test).float().mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {accuracy:.4f}")
