"""Logistic regression on many noisy features, started anew with another seed after a first look at the shapes."""
import torch
from sklearn.datasets import make_classification
from torch import nn

torch.manual_seed(3)
x, y = make_classification(700, 200, n_informative=8, n_redundant=0, flip_y=0.08, random_state=4)
x, y = torch.tensor(x).float(), torch.tensor(y).float()


def build():
    return nn.Sequential(nn.Linear(200, 64), nn.Tanh(), nn.Linear(64, 1))


network = build()
parameters = list(network.parameters())
print("parameters:", sum(p.numel() for p in parameters))

network = build()
optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
for epoch in range(40):
    for rows in torch.randperm(150).split(25):
        data_term = nn.functional.binary_cross_entropy_with_logits(network(x[rows]).squeeze(1), y[rows])
        size = torch.cat([p.flatten() for p in parameters]).norm()
        loss = data_term + 0.1 * size
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            correct = (network(x[150:]).squeeze(1) > 0) == (y[150:] > 0.5)
        print(f"epoch {epoch}: loss {loss:.3f} accuracy {correct.float().mean():.3f}")
