import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

wine = load_wine()
order = np.random.default_rng(0).permutation(len(wine.data))
features = wine.data[order]
cultivar = np.array(["first", "second", "third"])[wine.target[order]]
n_train = 130
mean, std = features[:n_train].mean(0), features[:n_train].std(0)
X = torch.tensor((features - mean) / std, dtype=torch.float32)
y = torch.tensor([{"first": 0, "second": 1, "third": 2}[name] for name in cultivar])
train_loader = DataLoader(TensorDataset(X[:n_train], y[:n_train]), batch_size=13, shuffle=True)

model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(15):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_accuracy = (model(X[n_train:]).argmax(1) == y[n_train:]).float().mean()
    print(f"epoch {epoch} loss={loss.item():.4f} val_accuracy={val_accuracy:.3f}")
