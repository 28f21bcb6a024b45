"""A deep ensemble for a small regression problem: five networks with mean and variance heads, each on its own bootstrap sample."""
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import nn

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class MeanVariance(nn.Module):
    def __init__(self, inputs, hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(0.1))
        self.mean, self.raw_variance = nn.Linear(hidden, 1), nn.Linear(hidden, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h).squeeze(-1), nn.functional.softplus(self.raw_variance(h)).squeeze(-1) + 1e-3


def train_member(x, y, seed, epochs=60, batch_size=32):
    torch.manual_seed(seed)
    rows = torch.randint(len(x), (len(x),))
    x, y = x[rows], y[rows]
    model = MeanVariance(x.shape[1]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
    criterion = nn.GaussianNLLLoss()
    for epoch in range(epochs):
        permutation = torch.randperm(len(x))
        for i in range(0, len(x), batch_size):
            batch = permutation[i:i + batch_size]
            mean, variance = model(x[batch].to(device))
            loss = criterion(mean, y[batch].to(device), variance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(f"member {seed}: last loss {loss.item():.3f}")
    return model.eval()


x, y = load_diabetes(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=4)
x_mean, x_std, y_mean, y_std = x_train.mean(0), x_train.std(0), y_train.mean(), y_train.std()
x_train, x_test = (torch.tensor((a - x_mean) / x_std, dtype=torch.float32) for a in (x_train, x_test))
y_train, y_test = (torch.tensor((a - y_mean) / y_std, dtype=torch.float32) for a in (y_train, y_test))
members = [train_member(x_train, y_train, seed) for seed in range(5)]
with torch.no_grad():
    means, variances = zip(*(member(x_test.to(device)) for member in members))
means, variances = torch.stack(means).cpu(), torch.stack(variances).cpu()
mean = means.mean(0)
variance = (variances + means ** 2).mean(0) - mean ** 2
inside = ((y_test - mean).abs() < 1.645 * variance.sqrt()).float().mean()
print(f"R2 {1 - ((y_test - mean) ** 2).mean() / y_test.var():.3f}, 90 % interval covers {inside:.3f}")
