"""Domain-adversarial training: the features are to say which digit it is, and not which of two scanners made it."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(37)


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.digit = nn.Linear(32, 10)
        self.scanner = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x, strength):
        features = self.features(x)
        return self.digit(features), self.scanner(Reverse.apply(features, strength))


images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(labels)
order = torch.randperm(len(images))
images, labels = images[order], labels[order]
images = (images - images[:1000].mean()) / images[:1000].std()
scanner = (torch.arange(len(images)) % 2).long()
images = torch.where(scanner[:, None] == 1, 0.8 * images + 0.3, images) + 0.1 * torch.randn_like(images)
model = Network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(15):
    strength = min(1.0, epoch / 8)
    for rows in torch.randperm(1300).split(50):
        digit, source = model(images[rows], strength)
        loss = F.cross_entropy(digit, labels[rows]) + 0.3 * F.cross_entropy(source, scanner[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        digit, source = model(images[1300:], 0.0)
        told = (source.argmax(1) == scanner[1300:]).float().mean().item()
        accuracy = (digit.argmax(1) == labels[1300:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} scanner told {told:.3f} digit accuracy {accuracy:.4f}")
