"""Diabetes by eight layers of ReLU with orthogonal weights."""
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn

values, target = load_diabetes(return_X_y=True)
torch.manual_seed(25)
order = torch.randperm(len(target))
train, test = order[92:], order[:92]
x = torch.tensor(StandardScaler().fit(values[train]).transform(values), dtype=torch.float32)
y = torch.tensor(StandardScaler().fit(target[train, None]).transform(target[:, None]), dtype=torch.float32)


class Deep(nn.Module):
    def __init__(self, width=48, depth=8, gain=2**0.5):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(10 if k == 0 else width, width) for k in range(depth)])
        self.out = nn.Linear(width, 1)
        for layer in self.layers:
            nn.init.orthogonal_(layer.weight, gain=gain)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.out(x)


model = Deep()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-3)
for epoch in range(12):
    for rows in train[torch.randperm(len(train))].split(25):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = (model(x[test]) - y[test]).square().mean() / y[test].square().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - left:.4f}")
