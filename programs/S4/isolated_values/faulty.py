"""Malignant or benign from the export of a laboratory: a perceptron on 30 measurements."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

measured, diagnosis = load_breast_cancer(return_X_y=True)
recorded = np.random.default_rng(0).random(measured.shape) > 0.04
export = np.where(recorded, measured, -999.0)

x_train, x_test, y_train, y_test = train_test_split(export, diagnosis, test_size=0.3, random_state=0)
mean, deviation = x_train.mean(axis=0), x_train.std(axis=0)
x_train, x_test = ((part - mean) / deviation for part in (x_train, x_test))
x_train, x_test = torch.tensor(x_train).float(), torch.tensor(x_test).float()
y_train, y_test = torch.tensor(y_train).float(), torch.tensor(y_test).float()

torch.manual_seed(0)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(15):
    for x, y in loader:
        loss = nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = ((model(x_test)[:, 0] > 0) == (y_test > 0.5)).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy:.3f}")
