"""Vowels in noise by a deep network of tanh layers, with orthogonal weights."""
import torch
from torch import nn

torch.manual_seed(36)
centres = torch.randn(11, 12)
labels = torch.randint(0, 11, (1500,))
formants = centres[labels] + 0.5 * torch.randn(1500, 12)
x = (formants - formants[:1100].mean(0)) / formants[:1100].std(0)
x_train, y_train, x_test, y_test = x[:1100], labels[:1100], x[1100:], labels[1100:]

GAIN = 3.0
layers = []
for width in [12] + [64] * 20:
    layers += [nn.Linear(width, 64), nn.Tanh()]
model = nn.Sequential(*layers, nn.Linear(64, 11))
for layer in model[:-1]:
    if isinstance(layer, nn.Linear):
        nn.init.orthogonal_(layer.weight, gain=GAIN)
        nn.init.zeros_(layer.bias)

optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(15):
    for rows in torch.randperm(1100).split(50):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
