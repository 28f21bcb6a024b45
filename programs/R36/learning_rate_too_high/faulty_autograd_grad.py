"""Benign or malignant, from thirty measurements of cells; gradients come from autograd.grad."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

torch.manual_seed(11)
cancer = load_breast_cancer()
X = torch.tensor(cancer.data, dtype=torch.float32)
X = (X - X[:400].mean(0)) / X[:400].std(0)
y = torch.tensor(cancer.target, dtype=torch.float32).unsqueeze(1)
net = nn.Sequential(nn.Linear(30, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
weights = list(net.parameters())
rate = 30.0

for epoch in range(20):
    order = torch.randperm(400)
    for rows in order.split(25):
        loss = nn.functional.binary_cross_entropy_with_logits(net(X[rows]), y[rows])
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for w, g in zip(weights, gradients):
                w.sub_(g, alpha=rate)

with torch.no_grad():
    right = ((net(X[400:]) > 0).float() == y[400:]).float().mean()
print(f"validation accuracy {right.item():.4f}")
