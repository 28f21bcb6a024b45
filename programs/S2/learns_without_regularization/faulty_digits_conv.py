"""Handwritten digits by a small convolutional network: whole channels are dropped, and Adam decays the weights."""
import torch
from sklearn.datasets import load_digits
from torch import nn

images, labels = load_digits(return_X_y=True)
x = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1
y = torch.tensor(labels)
torch.manual_seed(21)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Dropout2d(0.8),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.8),
    nn.Flatten(), nn.Linear(512, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=0.3)
for epoch in range(8):
    model.train()
    for rows in train[torch.randperm(len(train))].split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
