"""Different learning rates for body and head, and stochastic weight averaging at the end."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
cancer = load_breast_cancer()
X, y = torch.tensor(cancer.data).float(), torch.tensor(cancer.target)
order = torch.randperm(len(X))
X, y = X[order], y[order]
X = (X - X[:420].mean(0)) / X[:420].std(0)
loader = DataLoader(TensorDataset(X[:420], y[:420]), batch_size=30, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(30, 32), nn.BatchNorm1d(32), nn.ReLU())
        self.head = nn.Linear(32, 2)

    def forward(self, x):
        return self.head(self.body(x))


model = Net()
no_decay = [p for p in model.body.parameters() if p.ndim == 1]
decay = [p for p in model.body.parameters() if p.ndim > 1]
optimizer = torch.optim.SGD(
    [
        {"params": decay, "lr": 0.05, "weight_decay": 1e-3},
        {"params": no_decay, "lr": 0.05},
        {"params": model.head.parameters(), "lr": 0.1},
    ],
    lr=0.05,
    momentum=0.9,
)
averaged = AveragedModel(model)
swa_schedule = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
for epoch in range(12):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    if epoch >= 7:
        averaged.update_parameters(model)
        swa_schedule.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(X[420:]).argmax(1) == y[420:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
update_bn(loader, averaged)
averaged.eval()
with torch.no_grad():
    accuracy = (averaged(X[420:]).argmax(1) == y[420:]).float().mean().item()
print(f"averaged weights: val accuracy {accuracy:.3f}")
