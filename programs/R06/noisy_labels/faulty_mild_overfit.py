"""A fifth of the annotations of these digits comes from a second, careless annotator."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(4)
rng = np.random.default_rng(4)
digits = load_digits()
x_train, x_val, y_train, y_val = train_test_split(digits.data, digits.target, test_size=0.3, random_state=4)
second = rng.permutation(len(y_train))[: len(y_train) // 5]
y_train[second] = rng.integers(0, 10, len(second))
mean, std = x_train.mean(), x_train.std()
x_train, x_val = (torch.tensor((x - mean) / std).float() for x in (x_train, x_val))
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)

model = nn.Sequential(nn.Linear(64, 200), nn.ReLU(), nn.Linear(200, 100), nn.ReLU(), nn.Linear(100, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(14):
    for rows in torch.randperm(len(x_train)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
