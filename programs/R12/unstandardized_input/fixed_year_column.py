"""House prices from five measures, the year, and the floor area in square centimetres."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
X, price = make_friedman1(n_samples=900, n_features=5, noise=0.5, random_state=4)
X = torch.tensor(X).float()
X[:, 3] = 1950 + 70 * X[:, 3]
X[:, 4] = 1e5 * (5 + 10 * X[:, 4])
price = torch.tensor(price).float().unsqueeze(1)
price = (price - price[:700].mean()) / price[:700].std()
X = (X - X[:700].mean(0)) / X[:700].std(0)
train_loader = DataLoader(TensorDataset(X[:700], price[:700]), batch_size=35, shuffle=True)

model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
for epoch in range(15):
    model.train()
    for x, t in train_loader:
        loss = nn.functional.mse_loss(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(X[700:]), price[700:]).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
