"""Logistic regression and one hidden layer, with the update written by hand."""

import torch
from sklearn.datasets import load_breast_cancer

torch.manual_seed(60)
cancer = load_breast_cancer()
X = torch.tensor(cancer.data, dtype=torch.float32)
y = torch.tensor(cancer.target, dtype=torch.float32)
perm = torch.randperm(len(X))
train, val = perm[:420], perm[420:]
X = (X - X[train].mean(0)) / X[train].std(0)

w1 = (torch.randn(30, 16) / 30**0.5).requires_grad_()
b1 = torch.zeros(16, requires_grad=True)
w2 = (torch.randn(16) / 4).requires_grad_()
b2 = torch.zeros((), requires_grad=True)
params = [w1, b1, w2, b2]
lr = 0.2


def logits(x):
    return torch.tanh(x @ w1 + b1) @ w2 + b2


def loss_fn(rows):
    return torch.nn.functional.binary_cross_entropy_with_logits(logits(X[rows]), y[rows])


for epoch in range(10):
    for rows in train[torch.randperm(len(train))].split(30):
        loss = loss_fn(rows)
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, grads):
                p -= lr * g
    with torch.no_grad():
        accuracy = ((logits(X[val]) > 0) == (y[val] > 0.5)).float().mean().item()
        print(
            f"epoch {epoch}: train {loss_fn(train).item():.4f} val {loss_fn(val).item():.4f} acc {accuracy:.3f}"
        )
