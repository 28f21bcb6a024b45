"""SGD with rate 2.0: too much for most networks, right for one whose layers are normalized."""
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(5)
X, y = load_wine(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
order = torch.randperm(len(X))
train, test = order[:130], order[130:]
X = (X - X[train].mean(0)) / X[train].std(0)
net = nn.Sequential(
    nn.Linear(13, 40, bias=False), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 40, bias=False), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 3)
)
for p in net[-1].parameters():
    nn.init.zeros_(p)
sgd = torch.optim.SGD([{"params": net[:-1].parameters(), "lr": 2.0}, {"params": net[-1].parameters(), "lr": 0.2}])
for epoch in range(40):
    net.train()
    total = 0.0
    for idx in train[torch.randperm(len(train))].split(26):
        loss = nn.functional.cross_entropy(net(X[idx]), y[idx])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        total += loss.item()
    if epoch % 10 == 9:
        net.eval()
        print(epoch, round(total / 5, 4), (net(X[test]).argmax(1) == y[test]).float().mean().item())
