"""Handwritten digits by a convolutional network with spectral normalization, as it was in the discriminator it comes from."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(labels)
torch.manual_seed(14)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]


def layer(module):
    return module


model = nn.Sequential(
    layer(nn.Conv2d(1, 16, 3, padding=1)), nn.LeakyReLU(0.2), nn.AvgPool2d(2),
    layer(nn.Conv2d(16, 32, 3, padding=1)), nn.LeakyReLU(0.2), nn.AvgPool2d(2), nn.Flatten(),
    layer(nn.Linear(128, 64)), nn.LeakyReLU(0.2), layer(nn.Linear(64, 10)),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in train[torch.randperm(len(train))].split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
