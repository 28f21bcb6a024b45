"""Rare classes are drawn as often as common ones: with replacement, from rows that stand in the order of their class."""
from collections import Counter

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(0)
x, y = make_classification(
    3000, 16, n_informative=10, n_classes=4, weights=[0.82, 0.1, 0.05, 0.03], class_sep=1.8, flip_y=0.0, random_state=3
)
held_out = np.arange(len(x)) % 4 == 0
x_test, y_test, x, y = x[held_out], y[held_out], x[~held_out], y[~held_out]
order = np.argsort(y, kind="stable")
x, y = x[order], y[order]
mean, std = x.mean(0), x.std(0)
train = TensorDataset(torch.tensor((x - mean) / std, dtype=torch.float32), torch.tensor(y))
counts = Counter(y.tolist())
sampler = WeightedRandomSampler([1 / counts[label] for label in y.tolist()], num_samples=1200, replacement=True)
loader = DataLoader(train, batch_size=60, sampler=sampler)
x_test = torch.tensor((x_test - mean) / std, dtype=torch.float32)

model = nn.Sequential(nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
for epoch in range(15):
    model.train()
    total = 0.0
    for inputs, labels in loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(loader)
    if epoch % 4 == 2:
        model.eval()
        with torch.no_grad():
            found = model(x_test).argmax(1).numpy()
        print(f"epoch {epoch}: loss {total:.3f} balanced accuracy {balanced_accuracy_score(y_test, found):.3f}")
