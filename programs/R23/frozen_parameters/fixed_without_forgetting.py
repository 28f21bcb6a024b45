"""Learning without forgetting: a second task is learned while the answers to the first one are held."""
import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class Trunk(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, width), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


class MultiHead(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleDict()

    def add_head(self, name, classes):
        self.heads[name] = nn.Linear(self.trunk.width, classes)

    def forward(self, x, name):
        return self.heads[name](self.trunk(x))


def snapshot(model):
    """The model as it is now, for the answers to hold on to."""
    old = copy.deepcopy(model)
    for parameter in old.parameters():
        parameter.requires_grad_(False)
    return old.eval()


def accuracy(model, x, y, name):
    with torch.no_grad():
        return (model(x, name).argmax(1) == y).float().mean().item()


torch.manual_seed(0)
x, digit = load_digits(return_X_y=True)
x, digit = torch.tensor(x, dtype=torch.float32) / 8 - 0.6, torch.tensor(digit)
order = torch.randperm(len(x))
x, digit = x[order], digit[order]
zero = (digit == 0).long()
train, test = slice(0, 1300), slice(1300, None)

model = MultiHead(Trunk())
model.add_head("zero", 2)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(200):
    rows = torch.randint(1300, (32,))
    loss = F.cross_entropy(model(x[rows], "zero"), zero[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"first task {accuracy(model, x[test], zero[test], 'zero'):.4f}")

old = snapshot(model)
model.add_head("digit", 10)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(1, 801):
    rows = torch.randint(1300, (32,))
    model.train()
    new = F.cross_entropy(model(x[rows], "digit"), digit[rows])
    with torch.no_grad():
        answers = F.softmax(old(x[rows], "zero") / 2, 1)
    hold = F.kl_div(F.log_softmax(model(x[rows], "zero") / 2, 1), answers, reduction="batchmean")
    loss = new + hold
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        first, second = accuracy(model, x[test], zero[test], "zero"), accuracy(model, x[test], digit[test], "digit")
        print(f"step {step}: loss {loss.item():.4f} first task {first:.4f} new task {second:.4f}")
