# coding: utf-8
# In[1]:
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
rng = np.random.RandomState(2)

# In[2]:
X, y = load_digits(return_X_y=True)
X = (X / 16.0).astype("float32")


def make_pairs(lo, hi, n):
    left, right, same = [], [], []
    for k in range(n):
        i = rng.randint(lo, hi)
        pool = np.flatnonzero((y[lo:hi] == y[i]) == (k % 2 == 0)) + lo
        j = rng.choice(pool)
        left.append(X[i]), right.append(X[j]), same.append(float(y[i] == y[j]))
    return [torch.from_numpy(np.array(a, dtype="float32")) for a in (left, right, same)]


train_pairs, test_pairs = make_pairs(0, 1200, 2400), make_pairs(1200, 1797, 400)


# In[3]:
class SiameseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(64, 96), nn.Tanh(), nn.Linear(96, 32))
        self.score = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, a, b):
        return self.score((self.embed(a) - self.embed(b)).abs())


net = SiameseNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)

# In[4]:
history = {"loss": [], "acc": []}
for epoch in range(12):
    perm = torch.randperm(len(train_pairs[0]))
    for b in range(0, len(perm), 64):
        a1, a2, t = (p[perm[b : b + 64]] for p in train_pairs)
        prob = torch.sigmoid(net(a1, a2))
        loss = ((prob - t) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        prob = torch.sigmoid(net(test_pairs[0], test_pairs[1])).squeeze(1)
        acc = ((prob > 0.5).float() == test_pairs[2]).float().mean().item()
    history["loss"].append(loss.item())
    history["acc"].append(acc)

# In[5]:
print("loss", [round(v, 3) for v in history["loss"]])
print("accuracy on new pairs:", round(history["acc"][-1], 3))
