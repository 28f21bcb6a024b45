import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(3)

data = load_diabetes(scaled=False)
X = torch.tensor(data.data, dtype=torch.float32)
t = torch.tensor(data.target, dtype=torch.float32).unsqueeze(1)
perm = torch.randperm(len(X))
train, test = perm[:340], perm[340:]

x_mean, x_std = X[train].mean(0), X[train].std(0)
t_mean, t_std = t[train].mean(), t[train].std()
X = (X - x_mean) / x_std
t = (t - t_mean) / t_std

net = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
opt = torch.optim.RMSprop(net.parameters(), lr=1e-3, weight_decay=1e-2)
mse = nn.MSELoss()

for epoch in range(1, 26):
    net.train()
    running = 0.0
    for batch in train[torch.randperm(len(train))].split(20):
        opt.zero_grad()
        loss = mse(net(X[batch]), t[batch])
        loss.backward()
        opt.step()
        running += loss.item() * len(batch)
    if epoch % 5 == 0:
        net.eval()
        with torch.no_grad():
            error = mse(net(X[test]), t[test]).item()
        print(
            f"epoch {epoch:3d}  train mse {running / len(train):.3f}  test mse {error:.3f}  "
            f"rmse in units {error**0.5 * t_std.item():.1f}"
        )
