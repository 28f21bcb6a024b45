import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(4)
wine = load_wine()
order = torch.randperm(len(wine.data))
X = torch.tensor(wine.data, dtype=torch.float32)[order]
y = torch.tensor(wine.target)[order]
X_train, y_train, X_val, y_val = X[:130], y[:130], X[130:], y[130:]
mu, sigma = X_train.mean(0), X_train.std(0)
X_train, X_val = (X_train - mu) / sigma, (X_val - mu) / sigma

model = nn.Sequential(nn.Linear(13, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=2)


def closure():
    optimizer.zero_grad()
    penalty = sum((p**2).sum() for p in model.parameters())
    loss = nn.functional.cross_entropy(model(X_train), y_train) + 3e-3 * penalty
    loss.backward()
    return loss


for step in range(40):
    loss = optimizer.step(closure)
    if step % 5 == 0:
        with torch.no_grad():
            accuracy = (model(X_val).argmax(dim=1) == y_val).float().mean()
        print(f"step {step}: loss {loss.item():.4f}, val accuracy {accuracy.item():.3f}")
