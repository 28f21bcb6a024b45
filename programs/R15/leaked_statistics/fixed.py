import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
order = torch.randperm(len(X)).numpy()
train, val = order[:400], order[400:]
X = StandardScaler().fit(X[train]).transform(X)
X, y = torch.tensor(X).float(), torch.tensor(y)
train_loader = DataLoader(TensorDataset(X[train], y[train]), batch_size=25, shuffle=True)
val_loader = DataLoader(TensorDataset(X[val], y[val]), batch_size=169)

model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(xb).argmax(1) == yb).float().mean().item() for xb, yb in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
