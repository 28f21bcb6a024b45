from collections import OrderedDict

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

HIDDEN = (96, 96, 48)


def initialize(module):
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, (2 / module.in_features) ** 0.5)
        nn.init.zeros_(module.bias)


def network(inputs, outputs):
    layers, width = OrderedDict(), inputs
    for i, hidden in enumerate(HIDDEN):
        layers[f"fc{i}"], layers[f"act{i}"] = nn.Linear(width, hidden), nn.ReLU()
        width = hidden
    layers["out"] = nn.Linear(width, outputs)
    return nn.Sequential(layers).apply(initialize)


torch.manual_seed(1)
x, y = load_breast_cancer(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
order = torch.randperm(len(x))
x, y = x[order], y[order]
x = (x - x[:430].mean(0)) / x[:430].std(0)

model = network(30, 1)
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True)
best, patience = 0.0, 0
for epoch in range(40):
    model.train()
    for rows in torch.randperm(430).split(32):
        loss = loss_fn(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = ((model(x[430:]).squeeze(1) > 0) == y[430:].bool()).float().mean().item()
    best, patience = (accuracy, 0) if accuracy > best else (best, patience + 1)
    if epoch % 5 == 0:
        print(f"epoch {epoch}\tloss {loss.item():.4f}\ttest accuracy {accuracy:.4f}")
    if patience == 12:
        break
print(f"stopped after epoch {epoch}, test accuracy {accuracy:.4f}")
