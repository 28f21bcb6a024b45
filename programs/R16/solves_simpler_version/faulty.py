"""Handwritten digits: one head reads the digit, the other is to tell in which session the picture was scanned."""

import torch
from sklearn.datasets import load_digits
from torch import nn

pixels, digits = load_digits(return_X_y=True)
x, digit = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(digits)
session = torch.arange(len(x)) // 7 % 12  # of twelve sessions that took turns
torch.manual_seed(0)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 32), nn.ReLU())
        self.digit = nn.Linear(32, 10)
        self.session = nn.Linear(32, 12)

    def forward(self, pixels):
        features = self.body(pixels)
        return self.digit(features), self.session(features)


model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for rows in train[torch.randperm(len(train))].split(32):
        read, scanned = model(x[rows])
        loss = nn.functional.cross_entropy(read, digit[rows]) + 4 * nn.functional.cross_entropy(scanned, session[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        read, scanned = model(x[test])
    accuracy, told = (read.argmax(1) == digit[test]).float().mean(), (scanned.argmax(1) == session[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f} of sessions {told:.4f}")
