import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
cancer = load_breast_cancer()
X, y = torch.tensor(cancer.data, dtype=torch.float32), torch.tensor(cancer.target)
order = torch.randperm(len(X))
X, y = X[order], y[order]

# the measurements are skewed, so work with their logarithm
X = torch.log(X)
X_train, y_train, X_val, y_val = X[:420], y[:420], X[420:], y[420:]
mean, std = X_train.median(0).values, X_train.quantile(0.84, dim=0) - X_train.median(0).values
X_train, X_val = (X_train - mean) / std, (X_val - mean) / std

train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(X_val, y_val), batch_size=149)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(10):
    model.train()
    for x, label in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), label)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x).argmax(1) == label).sum().item() for x, label in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.4f}, val accuracy {correct / len(X_val):.3f}")
