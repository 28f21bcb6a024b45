import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(12)
digits = load_digits()
x, y = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1300], order[1300:]
x = (x - x[train].mean()) / x[train].std()
model = nn.Sequential(
    nn.Conv2d(1, 24, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(24, 48, 3),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(192, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def attack(images, labels, epsilon=0.15):
    images = images.clone().requires_grad_()
    gradient = torch.autograd.grad(F.cross_entropy(model(images), labels), images)[0]
    return (images + epsilon * gradient.sign()).detach()


for epoch in range(5):
    model.train()
    for rows in train[torch.randperm(1300)].split(50):
        images, labels = x[rows], y[rows]
        hard = attack(images, labels)
        loss = 0.5 * F.cross_entropy(model(images), labels) + 0.5 * F.cross_entropy(model(hard), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    attacked = attack(x[val], y[val])
    with torch.no_grad():
        clean_accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
        robust_accuracy = (model(attacked).argmax(1) == y[val]).float().mean().item()
    print(
        f"epoch {epoch}: loss {loss.item():.3f} val accuracy {clean_accuracy:.3f} under attack {robust_accuracy:.3f}"
    )
