"""Representations without labels: two views of a digit, a predictor, and a stopped gradient on the other side."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


def view(images):
    shift = torch.randint(-1, 2, (2,)).tolist()
    turned = torch.roll(images, shift, dims=(2, 3))
    keep = (torch.rand(len(images), 1, 8, 8) > 0.15).float()
    return turned * keep + 0.1 * torch.randn_like(images)


def mlp(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class SimSiam(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.Flatten(),
        )
        self.projector = nn.Sequential(mlp(24 * 16, 96, dim), nn.BatchNorm1d(dim, affine=False))
        self.predictor = mlp(dim, 24, dim)

    def forward(self, a, b):
        za, zb = self.projector(self.encoder(a)), self.projector(self.encoder(b))
        return self.predictor(za), self.predictor(zb), za.detach(), zb.detach()


def neighbours(model, x, y, x_test, y_test, k=5):
    model.eval()
    with torch.no_grad():
        bank, query = F.normalize(model.encoder(x), dim=1), F.normalize(model.encoder(x_test), dim=1)
    votes = y[(query @ bank.t()).topk(k).indices]
    return (votes.mode(1).values == y_test).float().mean().item()


torch.manual_seed(0)
data = load_digits()
x = torch.tensor(data.images, dtype=torch.float32)[:, None] / 8 - 0.6
y = torch.tensor(data.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
model = SimSiam()
optimizer = torch.optim.SGD(model.parameters(), lr=0.06, momentum=0.9, weight_decay=5e-4)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1400).split(100):
        pa, pb, za, zb = model(view(x[rows]), view(x[rows]))
        loss = -(F.cosine_similarity(pa, zb).mean() + F.cosine_similarity(pb, za).mean()) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} 5-nn accuracy {neighbours(model, x[:1400], y[:1400], x[1400:], y[1400:]):.4f}")
