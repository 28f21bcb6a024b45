import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

np.random.seed(4)
torch.manual_seed(4)

data = load_diabetes()
X = StandardScaler().fit_transform(data.data)
y = data.target
n_train = 353
idx = np.random.permutation(len(X))
tr, te = idx[:n_train], idx[n_train:]
mu, sd = y[tr].mean(), y[tr].std()


class TabularSet(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.x = torch.FloatTensor(X[rows])
        self.y = torch.FloatTensor((y[rows] - mu) / sd)

    def __len__(self):
        return self.x.shape[0]

    def __getitem__(self, k):
        return self.x[k], self.y[k]


class Regressor(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(d, 32), nn.LeakyReLU(), nn.Linear(32, 8))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        z = self.encode(x)
        return self.head(z).squeeze(-1), z


def spread_penalty(z):
    """keep every latent coordinate at unit spread within the batch (stops collapse)"""
    return (1.0 - z.std(dim=0)).abs().mean()


loader = torch.utils.data.DataLoader(TabularSet(tr), batch_size=32, shuffle=True)
test = TabularSet(te)
net = Regressor(X.shape[1])
opt = torch.optim.Adadelta(net.parameters(), lr=0.5)
history = []
for epoch in range(25):
    net.train()
    epoch_loss = 0.0
    for xb, yb in loader:
        pred, z = net(xb)
        loss = nn.functional.smooth_l1_loss(pred, yb) + 0.01 * spread_penalty(z)
        opt.zero_grad()
        loss.backward()
        opt.step()
        epoch_loss += loss.item()
    net.eval()
    with torch.no_grad():
        rmse = ((net(test.x)[0] - test.y).pow(2).mean().sqrt() * sd).item()
    history.append(rmse)
    if epoch % 6 == 0:
        print("epoch", epoch, "loss", round(epoch_loss / len(loader), 4), "rmse", round(rmse, 2))
print("std of the target: %.2f" % y[te].std())
print("final RMSE %.2f" % history[-1])
