import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(14)
cancer = load_breast_cancer()
X, y = torch.tensor(cancer.data, dtype=torch.float32), torch.tensor(cancer.target)
keep = torch.cat([torch.where(y == 1)[0], torch.where(y == 0)[0][:60]])
keep = keep[torch.randperm(len(keep))]
X, y = X[keep], y[keep]
X_train, y_train, X_val, y_val = X[:300], y[:300], X[300:], y[300:]
mean, std = X_train.mean(0), X_train.std(0)
X_train, X_val = (X_train - mean) / std, (X_val - mean) / std

counts = torch.bincount(y_train)
sampler = WeightedRandomSampler((1.0 / counts)[y_train], num_samples=len(y_train), replacement=True)
loader = DataLoader(TensorDataset(X_train, y_train), batch_size=20, sampler=sampler)

model = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Linear(24, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
for epoch in range(12):
    model.train()
    epoch_loss = 0.0
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / len(loader)
    model.eval()
    with torch.no_grad():
        predicted = model(X_val).argmax(1)
    recalls = [(predicted[y_val == c] == c).float().mean().item() for c in (0, 1)]
    print(f"epoch {epoch}: loss {epoch_loss:.3f}  balanced accuracy {sum(recalls) / 2:.3f}")
