"""Friedman's regression problem with unit-length hidden vectors."""
import torch
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class UnitNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.first = nn.Linear(10, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = 6 * F.normalize(torch.relu(self.first(x)), dim=0)
        x = torch.relu(self.second(x))
        return self.last(x)


def r2(model, dataset):
    model.eval()
    with torch.no_grad():
        residual = torch.cat([model(x.unsqueeze(0)) - y for x, y in dataset])
    return 1 - residual.square().mean().item() / dataset.tensors[1].var().item()


def main():
    torch.manual_seed(0)
    x, y = make_friedman1(1400, noise=0.4, random_state=5)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    x = (x - x[:1100].mean(0)) / x[:1100].std(0)
    y = (y - y[:1100].mean()) / y[:1100].std()
    train, val = TensorDataset(x[:1100], y[:1100]), TensorDataset(x[1100:], y[1100:])
    model = UnitNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(16):
        model.train()
        for inputs, targets in DataLoader(train, batch_size=50, shuffle=True):
            optimizer.zero_grad()
            loss = F.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} mse {loss.item():.4f} R2 {r2(model, val):.4f}")


if __name__ == "__main__":
    main()
