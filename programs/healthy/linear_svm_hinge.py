"""A linear multi-class support vector machine in double precision."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import BatchSampler, RandomSampler

torch.set_default_dtype(torch.float64)
torch.manual_seed(18)
digits = load_digits()
X, y = torch.tensor(digits.data), torch.tensor(digits.target)
order = torch.randperm(len(X))
X, y = X[order], y[order]
X = (X - X[:1400].mean()) / X[:1400].std()

model = nn.Linear(64, 10)
criterion = nn.MultiMarginLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, weight_decay=1e-3)
sampler = BatchSampler(RandomSampler(range(1400)), batch_size=32, drop_last=False)
for epoch in range(8):
    for rows in sampler:
        loss = criterion(model(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = criterion(model(X[1400:]), y[1400:]).item()
        accuracy = (model(X[1400:]).argmax(1) == y[1400:]).double().mean().item()
    print(f"epoch {epoch}: val loss {val_loss:.4f} val accuracy {accuracy:.3f}")
