import json

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

config = json.loads("""{
  "model": {"hidden": 64, "dropout": 0.05},
  "optimizer": {"name": "Adam", "lr": 0.005, "weight_decay": 0.5}
}""")


def make_loaders(seed=0):
    X, y = make_friedman1(n_samples=1500, n_features=8, noise=0.5, random_state=seed)
    X, y = torch.tensor(X).float() * 2 - 1, torch.tensor(y).float()
    y = (y - y[:1100].mean()) / y[:1100].std()
    train = TensorDataset(X[:1100], y[:1100, None])
    return DataLoader(train, batch_size=50, shuffle=True), (X[1100:], y[1100:, None])


def make_model(hidden, dropout):
    return nn.Sequential(
        nn.Linear(8, hidden), nn.SiLU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1)
    )


def make_optimizer(params, name, **options):
    return getattr(torch.optim, name)(params, **options)


torch.manual_seed(6)
loader, (x_test, y_test) = make_loaders()
model = make_model(**config["model"])
optimizer = make_optimizer(model.parameters(), **config["optimizer"])
for epoch in range(12):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = ((model(x_test) - y_test) ** 2).mean() / y_test.var()
    print(f"epoch {epoch} loss {loss.item():.4f} R2 {1 - error.item():.3f}")
