import copy

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(18)
wine = load_wine()
perm = torch.randperm(178)
X, y = torch.tensor(wine.data, dtype=torch.float32)[perm], torch.tensor(wine.target)[perm]
X = (X - X[:130].mean(0)) / X[:130].std(0)

model = nn.Sequential(nn.Linear(13, 32), nn.SiLU(), nn.Linear(32, 3))
ema = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


@torch.no_grad()
def update_ema(decay=0.95):
    for slow, fast in zip(ema.parameters(), model.parameters()):
        slow.lerp_(fast, 1 - decay)


for epoch in range(15):
    for rows in torch.randperm(130).split(13):
        loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update_ema()
    with torch.no_grad():
        logits = ema(X[130:])
        print(
            f"epoch {epoch}: loss {loss.item():.3f}, averaged model: "
            f"val loss {nn.functional.cross_entropy(logits, y[130:]).item():.3f}, "
            f"accuracy {(logits.argmax(1) == y[130:]).float().mean().item():.3f}"
        )
