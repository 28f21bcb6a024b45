# Friedman's regression problem with a deep normalized network.
import torch
from sklearn.datasets import make_friedman1
from torch import nn


class DeepRegressor(nn.Module):
    def __init__(self, inputs, width=48, depth=9):
        super().__init__()
        layers = []
        for _ in range(depth):
            layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.Sigmoid()]
            inputs = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(1)


def train_one_epoch(model, optimizer, x, y):
    total = 0.0
    for rows in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(x)


def validate(model, x, y):
    model.eval()
    with torch.no_grad():
        mse = nn.functional.mse_loss(model(x), y)
    return 1 - (mse / y.var()).item()


if __name__ == "__main__":
    torch.manual_seed(0)
    x, y = make_friedman1(1500, noise=0.3, random_state=1)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x = (x - x[:1200].mean(0)) / x[:1200].std(0)
    y = (y - y[:1200].mean()) / y[:1200].std()
    model = DeepRegressor(10)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    print(f"start: validation R2 {validate(model, x[1200:], y[1200:]):.3f}")
    for epoch in range(15):
        loss = train_one_epoch(model, optimizer, x[:1200], y[:1200])
        print(f"{epoch} train mse {loss:.3f} validation R2 {validate(model, x[1200:], y[1200:]):.3f}")
