"""Cultivars of wine from chemical analyses: two layers by hand, whose weights are made anew at every step."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

table, cultivars = load_wine(return_X_y=True)
train, test, y, y_test = train_test_split(table, cultivars, test_size=50, random_state=1, stratify=cultivars)
scaler = StandardScaler().fit(train)
x, x_test = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (train, test))
y, y_test = torch.tensor(y), torch.tensor(y_test)
torch.manual_seed(2)
weights = [(torch.randn(shape) * 0.2).requires_grad_() for shape in ((13, 20), (20,), (20, 3), (3,))]
rate = 0.2


def logits(rows, first, first_bias, second, second_bias):
    return torch.tanh(rows @ first + first_bias) @ second + second_bias


for epoch in range(30):
    for rows in torch.randperm(len(x)).split(16):
        loss = F.cross_entropy(logits(x[rows], *weights), y[rows])
        gradients = torch.autograd.grad(loss, weights)
        weights = [(w - rate * g).detach().requires_grad_() for w, g in zip(weights, gradients)]
    if epoch % 5 == 4:
        with torch.no_grad():
            accuracy = (logits(x_test, *weights).argmax(1) == y_test).float().mean()
        print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
