import argparse

import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import make_friedman1
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--lr", type=float, default=5e-3)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

X, y = make_friedman1(n_samples=1200, n_features=6, noise=0.5, random_state=args.seed)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).view(-1, 1)
train_set, val_set = random_split(TensorDataset(X, y), [1000, 200])
for values in (X, y):
    train_values = values[train_set.indices]
    values.sub_(train_values.mean(0)).div_(train_values.std(0))
train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
val_loader = DataLoader(val_set, batch_size=200)


class MLP(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return torch.tanh(self.fc3(x))


model = MLP(6, 64)
criterion = nn.SmoothL1Loss()
optimizer = optim.Adam(model.parameters(), lr=args.lr)
for epoch in range(1, args.epochs + 1):
    for x, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mae = sum((model(x) - target).abs().sum().item() for x, target in val_loader) / len(val_set)
    print(f"Epoch {epoch}/{args.epochs} - loss: {loss.item():.4f} - val mae: {mae:.4f}")
