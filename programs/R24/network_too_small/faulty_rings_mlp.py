"""Fault classes of a motor from six measured quantities."""
import argparse

import numpy as np
import torch
from sklearn.datasets import make_gaussian_quantiles
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MLP(nn.Module):
    def __init__(self, in_dim, hidden_dims, out_dim, dropout=0.0):
        super().__init__()
        layers = []
        previous = in_dim
        for hidden in hidden_dims:
            layers.append(nn.Linear(previous, hidden))
            if dropout:
                layers.append(nn.Dropout(dropout))
            previous = hidden
        layers.append(nn.Linear(previous, out_dim))
        self.mlp = nn.Sequential(*layers)

    def forward(self, x):
        return self.mlp(x)


def get_loaders(batch_size, seed):
    X, y = make_gaussian_quantiles(n_samples=3000, n_features=6, n_classes=3, cov=2.0, random_state=seed)
    rng = np.random.default_rng(seed)
    X = X @ rng.normal(size=(6, 6)) + rng.normal(size=6) * 10
    scaler = StandardScaler().fit(X[:2000])
    X = torch.tensor(scaler.transform(X), dtype=torch.float32)
    y = torch.tensor(y)
    train = TensorDataset(X[:2000], y[:2000])
    valid = TensorDataset(X[2000:], y[2000:])
    return DataLoader(train, batch_size, shuffle=True), DataLoader(valid, 500)


def train(args):
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_loader, valid_loader = get_loaders(args.batch_size, args.seed)
    model = MLP(6, [64, 64], 3).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            model.eval()
            hits = 0
            with torch.no_grad():
                for x, y in valid_loader:
                    hits += (model(x.to(device)).argmax(-1).cpu() == y).sum().item()
            print(f"epoch {epoch} loss {loss.item():.3f} valid accuracy {hits / 1000:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())
