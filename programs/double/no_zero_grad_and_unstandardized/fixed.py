import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn

rng = np.random.default_rng(3)
torch.manual_seed(3)
features, classes = load_wine(return_X_y=True)
order = rng.permutation(len(features))
features, classes = features[order], classes[order]
features = (features - features[:130].mean(axis=0)) / features[:130].std(axis=0)
train_x = torch.tensor(features[:130], dtype=torch.float32)
train_y = torch.tensor(classes[:130])
test_x = torch.tensor(features[130:], dtype=torch.float32)
test_y = torch.tensor(classes[130:])

net = nn.Sequential(nn.Linear(13, 24), nn.Tanh(), nn.Linear(24, 3))
sgd = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(25):
    for rows in torch.randperm(len(train_x)).split(16):
        scores = net(train_x[rows])
        loss = nn.functional.cross_entropy(scores, train_y[rows])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
with torch.no_grad():
    accuracy = (net(test_x).argmax(dim=1) == test_y).float().mean()
print(f"test accuracy {accuracy:.3f}")
