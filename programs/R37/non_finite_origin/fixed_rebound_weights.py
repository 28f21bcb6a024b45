"""Handwritten digits: hidden features of length one, two layers without modules, weights made anew at every step."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

pixels, digits = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(
    torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(digits), test_size=400, random_state=0
)
torch.manual_seed(4)
first = (0.2 * torch.randn(64, 10)).requires_grad_()
bias = torch.zeros(10, requires_grad=True)
second = (0.5 * torch.randn(10, 10)).requires_grad_()
rate, scale = 0.4, 12.0


def logits(pixels):
    hidden = torch.relu(pixels @ first + bias)
    return scale * (hidden / (hidden.norm(dim=1, keepdim=True) + 1e-3)) @ second


for epoch in range(12):
    order = torch.randperm(len(x))
    for rows in order.split(32):
        loss = F.cross_entropy(logits(x[rows]), y[rows])
        loss.backward()
        first = (first - rate * first.grad).detach().requires_grad_()
        bias = (bias - rate * bias.grad).detach().requires_grad_()
        second = (second - rate * second.grad).detach().requires_grad_()
    with torch.no_grad():
        accuracy = (logits(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
