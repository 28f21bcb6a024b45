import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(1)
X, t = make_friedman1(n_samples=700, n_features=6, noise=0.5, random_state=1)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
perm = torch.randperm(700)
train, val = perm[:500], perm[500:]
X = (X - X.mean(0)) / X.std(0)
t = (t - t[train].mean()) / t[train].std()

net = nn.Sequential(nn.Linear(6, 40), nn.SiLU(), nn.Linear(40, 1))
optimizer = torch.optim.RMSprop(net.parameters(), lr=2e-3)
for epoch in range(15):
    for rows in train[torch.randperm(500)].split(20):
        loss = nn.functional.mse_loss(net(X[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(net(X[val]), t[val]).item()
    print(f"epoch {epoch}: train {loss.item():.3f} val mse {error:.3f}")
