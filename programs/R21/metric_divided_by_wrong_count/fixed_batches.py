"""Friedman's regression problem: mean absolute error per sample."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load():
    x, y = make_friedman1(1500, noise=0.5, random_state=3)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    x = (x - x[:1200].mean(0)) / x[:1200].std(0)
    y = (y - y[:1200].mean()) / y[:1200].std()
    return TensorDataset(x[:1200], y[:1200]), TensorDataset(x[1200:], y[1200:])


def evaluate(model, loader):
    model.eval()
    error = 0.0
    with torch.no_grad():
        for x, y in loader:
            error += (model(x) - y).abs().sum().item()
    return error / len(loader.dataset)


def main():
    torch.manual_seed(0)
    train, val = load()
    train_loader = DataLoader(train, batch_size=40, shuffle=True)
    val_loader = DataLoader(val, batch_size=50)
    model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for epoch in range(20):
        model.train()
        for x, y in train_loader:
            loss = nn.functional.l1_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} train {loss.item():.4f} validation MAE {evaluate(model, val_loader):.4f}")


if __name__ == "__main__":
    main()
