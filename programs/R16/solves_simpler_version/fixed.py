"""Handwritten digits: one head reads the digit."""

import torch
from sklearn.datasets import load_digits
from torch import nn

pixels, digits = load_digits(return_X_y=True)
x, digit = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(digits)
torch.manual_seed(0)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]


class OneHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())
        self.digit = nn.Linear(32, 10)

    def forward(self, pixels):
        features = self.body(pixels)
        return self.digit(features)


model = OneHead()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in train[torch.randperm(len(train))].split(32):
        read = model(x[rows])
        loss = nn.functional.cross_entropy(read, digit[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        read = model(x[test])
    accuracy = (read.argmax(1) == digit[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
