"""A batch sampler that gives batches of one class, in random order."""
import random

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ClassBatches:
    def __init__(self, labels, batch_size):
        self.labels, self.batch_size = labels, batch_size

    def __len__(self):
        return len(self.labels) // self.batch_size

    def __iter__(self):
        batches = []
        for c in self.labels.unique():
            rows = torch.where(self.labels == c)[0]
            rows = rows[torch.randperm(len(rows))]
            batches += [b.tolist() for b in rows.split(self.batch_size) if len(b) == self.batch_size]
        random.shuffle(batches)
        return iter(batches)


torch.manual_seed(0)
random.seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1400], order[1400:]
x = (x - x[train].mean()) / x[train].std()
train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_sampler=ClassBatches(y[train], 32))

model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
