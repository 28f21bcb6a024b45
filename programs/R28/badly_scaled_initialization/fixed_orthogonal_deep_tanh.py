"""Handwritten digits by twelve layers of tanh with orthogonal weights."""
import torch
from sklearn.datasets import load_digits
from torch import nn

images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images / 8 - 1, dtype=torch.float32), torch.tensor(labels)
torch.manual_seed(24)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]


def layer(inputs, outputs, gain=1.0):
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


hidden = [part for number in range(12) for part in (layer(64, 64), nn.Tanh())]
model = nn.Sequential(*hidden, layer(64, 10, 1.0))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(10):
    for rows in train[torch.randperm(len(train))].split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
