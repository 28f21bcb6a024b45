import torch
from sklearn.datasets import load_wine
from torch import nn


class Wave(nn.Module):
    """A periodic activation."""

    def __init__(self, frequency):
        super().__init__()
        self.frequency = frequency

    def forward(self, x):
        return torch.sin(self.frequency * x)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(13, 48)
        self.wave = Wave(frequency=400.0)
        self.second = nn.Linear(48, 48)
        self.last = nn.Linear(48, 3)

    def forward(self, x):
        return self.last(torch.relu(self.second(self.wave(self.first(x)))))


torch.manual_seed(62)
X, y = load_wine(return_X_y=True)
order = torch.randperm(len(X))
X, y = torch.tensor(X, dtype=torch.float32)[order], torch.tensor(y)[order]
X = (X - X[:130].mean(0)) / X[:130].std(0)

net = Network()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for step in range(240):
    rows = torch.randint(130, (32,))
    loss = nn.functional.cross_entropy(net(X[rows]), y[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
with torch.no_grad():
    print(f"loss {loss.item():.3f} test accuracy {(net(X[130:]).argmax(1) == y[130:]).float().mean():.3f}")
