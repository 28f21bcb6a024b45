"""Friedman's regression problem."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn


class Regressor(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.inner = nn.Linear(10, width)
        self.middle = nn.Linear(width, width)
        self.outer = nn.Linear(width, 1)

    def forward(self, x):
        hidden = torch.tanh(self.inner(x))
        hidden = nn.Dropout(p=0.4)(hidden)
        hidden = torch.relu(self.middle(hidden))
        return self.outer(hidden).squeeze(-1)


def main():
    torch.manual_seed(0)
    x, y = make_friedman1(1500, noise=0.5, random_state=0)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x = (x - x[:1200].mean(0)) / x[:1200].std(0)
    y = (y - y[:1200].mean()) / y[:1200].std()
    model = Regressor()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for epoch in range(25):
        model.train()
        for rows in torch.randperm(1200).split(40):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            r2 = 1 - nn.functional.mse_loss(model(x[1200:]), y[1200:]) / y[1200:].var()
        print(f"epoch {epoch} mse {loss.item():.3f} validation R2 {r2.item():.3f}")


main()
