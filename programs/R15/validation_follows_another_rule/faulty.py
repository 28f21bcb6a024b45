import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
wine = load_wine()
names = np.array(["syrah", "barbera", "nebbiolo"])[wine.target]
copies = rng.permutation(np.repeat(np.arange(len(names)), 4))
bottles = wine.data[copies] * rng.normal(1.0, 0.05, (len(copies), 13))
X_train, X_test, name_train, name_test = train_test_split(bottles, names[copies], test_size=0.3, random_state=1)
scaler = StandardScaler().fit(X_train)


def encode(column):
    kinds = list(dict.fromkeys(column))
    return np.array([kinds.index(name) for name in column])


def dataset(X, column):
    return TensorDataset(torch.tensor(scaler.transform(X), dtype=torch.float32), torch.tensor(encode(column)))


train_loader = DataLoader(dataset(X_train, name_train), batch_size=32, shuffle=True)
test_loader = DataLoader(dataset(X_test, name_test), batch_size=64)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(15):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    hits, total = 0, 0.0
    with torch.no_grad():
        for x, y in test_loader:
            out = model(x)
            total += criterion(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
    print(f"epoch {epoch}: train {loss.item():.4f} test {total / len(name_test):.4f} accuracy {hits / len(name_test):.4f}")
