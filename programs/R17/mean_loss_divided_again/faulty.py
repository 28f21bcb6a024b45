"""Handwritten digits: the loss is divided by the number of pictures, though cross entropy is a mean already."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

pixels, digits = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(
    torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(digits), test_size=400, random_state=0
)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(12):
    for rows in torch.randperm(len(x)).split(64):
        loss = criterion(model(x[rows]), y[rows]) / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.4f} validation accuracy {accuracy:.4f}")
