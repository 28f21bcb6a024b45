"""Two models one after the other on the same data: a linear one, and a convolutional network."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
y = torch.tensor(digits.target)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=1)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
criterion = nn.CrossEntropyLoss()

linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
network = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 16, 10),
)

optimizer = torch.optim.Adam(linear.parameters(), lr=1e-2)
for epoch in range(4):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(linear(xb), yb)
        loss.backward()
        optimizer.step()
    print("linear", epoch, round(loss.item(), 3))

optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
for epoch in range(4):
    for xb, yb in loader:
        loss = criterion(network(xb), yb)
        loss.backward()
        optimizer.step()
    print("network", epoch, round(loss.item(), 3))

for name, model in [("linear", linear), ("network", network)]:
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"{name}: test accuracy {accuracy:.3f}")
