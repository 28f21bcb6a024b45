"""Predict the next morning's frost from last evening's readings, kept in a CSV table with a running number in front."""
import io

import numpy as np
import torch
import torch.nn as nn


def station_csv(days=1500, seed=19):
    rng = np.random.default_rng(seed)
    lines = ["no,evening_temp,humidity,wind,pressure_trend,cloud,dew_point,frost"]
    for k in range(days):
        humidity = rng.uniform(45, 98)
        evening = rng.normal(5, 4)
        wind = rng.gamma(2, 1.6)
        cloud = rng.beta(0.7, 0.7)
        trend = rng.normal(0, 2)
        dew = evening - rng.gamma(2.0, 3.2)
        fall = 8.5 * (1 - cloud) * np.exp(-wind / 7) + 0.4 * trend
        minimum = 0.35 * evening + 0.65 * dew - 0.5 * fall + 3.6 + rng.normal(0, 0.5)
        lines.append(f"{k},{evening:.1f},{humidity:.0f},{wind:.1f},{trend:.1f},{cloud:.2f},{dew:.1f},{int(minimum < 0)}")
    return io.StringIO("\n".join(lines))


def read(handle):
    table = np.genfromtxt(handle, delimiter=",", skip_header=1)
    X = table[:, :6]
    y = table[:, -1]
    return X, y


def batches(n, size, g):
    perm = torch.randperm(n, generator=g)
    for i in range(0, n, size):
        yield perm[i:i + size]


class FrostNet(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.hidden = nn.Linear(inputs, 40)
        self.hidden2 = nn.Linear(40, 20)
        self.out = nn.Linear(20, 1)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = self.drop(torch.relu(self.hidden(x)))
        x = torch.relu(self.hidden2(x))
        return self.out(x).view(-1)


def main():
    g = torch.Generator().manual_seed(19)
    torch.manual_seed(19)
    X, y = read(station_csv())
    perm = torch.randperm(len(X), generator=g).numpy()
    X, y = X[perm], y[perm]
    X_train, X_test = X[:1100], X[1100:]
    center, spread = X_train.mean(axis=0), X_train.std(axis=0)
    X_train = torch.tensor((X_train - center) / spread, dtype=torch.float32)
    X_test = torch.tensor((X_test - center) / spread, dtype=torch.float32)
    y_train, y_test = torch.tensor(y[:1100], dtype=torch.float32), torch.tensor(y[1100:], dtype=torch.float32)

    net = FrostNet(X_train.shape[1])
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(1, 26):
        net.train()
        for idx in batches(len(X_train), 32, g):
            optimizer.zero_grad()
            loss = loss_fn(net(X_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            net.eval()
            with torch.no_grad():
                logit = net(X_test)
            acc = ((logit > 0) == (y_test > 0.5)).float().mean()
            print(f"epoch {epoch} train loss {loss.item():.4f} test loss {loss_fn(logit, y_test).item():.4f} accuracy {acc.item():.4f}")
    print(f"frost on {y_test.mean():.1%} of the test days")


if __name__ == "__main__":
    main()
