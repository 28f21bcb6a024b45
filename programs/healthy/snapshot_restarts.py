"""Cosine annealing with warm restarts; the ensemble is made of the networks before each restart."""
import copy

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(52)
x, y = make_classification(
    4000, 16, n_informative=8, n_redundant=4, n_classes=4, n_clusters_per_class=2, class_sep=1.4, random_state=52
)
x_train, x_test, y_train, y_test = train_test_split(torch.tensor(x).float(), torch.tensor(y), test_size=1000, random_state=52)
mean, std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=100, shuffle=True)

network = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 4))
optimizer = torch.optim.SGD(network.parameters(), lr=0.15, momentum=0.9, nesterov=True, weight_decay=5e-4)
period = 6
schedule = CosineAnnealingWarmRestarts(optimizer, T_0=period * len(loader))
snapshots = []
for epoch in range(3 * period):
    network.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(inputs), targets)
        loss.backward()
        optimizer.step()
        schedule.step()
    if (epoch + 1) % period == 0:
        snapshots.append(copy.deepcopy(network).eval())
        with torch.no_grad():
            mixed = sum(net(x_test).softmax(1) for net in snapshots)
            alone = snapshots[-1](x_test)
        print(
            f"epoch {epoch + 1}: loss {loss.item():.3f}, alone {(alone.argmax(1) == y_test).float().mean():.4f}, "
            f"ensemble of {len(snapshots)} {(mixed.argmax(1) == y_test).float().mean():.4f}"
        )
