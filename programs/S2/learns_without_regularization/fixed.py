"""Handwritten digits with dropout, weight decay and a penalty: each would do, together they are too much."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

pixels, digits = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(
    torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(digits), test_size=400, random_state=0
)
torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
for epoch in range(15):
    model.train()
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss = loss + 1e-5 * sum(p.abs().sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} validation accuracy {accuracy:.4f}")
