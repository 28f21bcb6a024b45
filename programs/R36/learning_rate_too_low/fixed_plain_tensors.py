"""Three wines from thirteen numbers: a network of plain tensors, trained as in the first lectures."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine

g = torch.Generator().manual_seed(1993)
wine = load_wine()
X = torch.tensor(wine.data, dtype=torch.float32)
Y = torch.tensor(wine.target)
order = torch.randperm(len(X), generator=g)
train, test = order[:130], order[130:]
X = (X - X[train].mean(0)) / X[train].std(0)

W1 = torch.randn((13, 32), generator=g) / 13**0.5
b1 = torch.zeros(32)
W2 = torch.randn((32, 3), generator=g) / 32**0.5
b2 = torch.zeros(3)
parameters = [W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True


def network(x):
    return torch.tanh(x @ W1 + b1) @ W2 + b2


learning_rate = 0.1
for i in range(400):
    rows = train[torch.randint(0, len(train), (16,), generator=g)]
    loss = F.cross_entropy(network(X[rows]), Y[rows])
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -learning_rate * p.grad
    if i % 100 == 0:
        print(f"{i:4d}: {loss.item():.4f}")

with torch.no_grad():
    print(f"test accuracy {(network(X[test]).argmax(1) == Y[test]).float().mean().item():.4f}")
