import torch
from sklearn.datasets import make_friedman1
from torch import nn


def standardize(train, val):
    return (train - train.mean(0)) / train.std(0), (val - train.mean(0)) / train.std(0)


def train(model, X, t, X_val, t_val, epochs=15, batch=20):
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        order = torch.randperm(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            x, target = X[rows], t[rows]
            loss = torch.mean((model(x) - target) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            val = torch.mean((model(X_val) - t_val) ** 2).item()
        print(f"epoch {epoch}: mse {loss.item():.3f}, val mse {val:.3f}")


if __name__ == "__main__":
    torch.manual_seed(2)
    X, t = make_friedman1(n_samples=800, n_features=6, noise=0.5, random_state=2)
    X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
    X, X_val = standardize(X[:600], X[600:])
    t, t_val = standardize(t[:600], t[600:])
    model = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 1))
    train(model, X, t, X_val, t_val)
