import argparse

import torch
from sklearn.datasets import make_friedman1
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr", type=float, default=0.05)
args = parser.parse_args()

torch.manual_seed(1)
X, t = make_friedman1(n_samples=1500, n_features=5, noise=0.5, random_state=1)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
train, val = torch.arange(1200), torch.arange(1200, 1500)
X = (X - X[train].mean(0)) / X[train].std(0)
t = (t - t[train].mean()) / t[train].std()

model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
for epoch in range(args.epochs):
    for rows in train[torch.randperm(1200)].split(args.batch_size):
        loss = nn.functional.mse_loss(model(X[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(model(X[val]), t[val]).item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val mse {val_loss:.3f}")
