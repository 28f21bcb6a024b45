import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
X, t = load_diabetes(return_X_y=True, scaled=False)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
order = torch.randperm(len(X))
X, t = X[order], t[order]
n_val = 110
train, val = slice(0, 442 - n_val), slice(442 - n_val, 442)
X = (X - X[train].mean(0)) / X[train].std(0)
t = (t - t[train].mean()) / t[train].std()
train_loader = DataLoader(TensorDataset(X[train], t[train]), batch_size=26, shuffle=True)
val_loader = DataLoader(TensorDataset(X[val], t[val]), batch_size=n_val)

model = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-2)
for epoch in range(25):
    model.train()
    for xb, tb in train_loader:
        loss = nn.functional.mse_loss(model(xb), tb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = sum(nn.functional.mse_loss(model(xb), tb).item() for xb, tb in val_loader)
    print(f"epoch {epoch}: train {loss.item():.3f} val mse {val_loss:.3f}")
