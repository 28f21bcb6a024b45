"""Which cultivar a wine is, with a residual perceptron; the penalty is kept in a class of its own."""
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(1)
x, y = load_wine(return_X_y=True)
x = torch.tensor((x - x.mean(0)) / x.std(0)).float()
y = torch.tensor(y)
order = torch.randperm(len(x))
train, val = order[:110], order[110:]


class Residual(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.first = nn.Linear(13, width)
        self.middle = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.last = nn.Linear(width, 3)

    def forward(self, x):
        h = self.first(x)
        for layer in self.middle:
            h = h + torch.relu(layer(h))
        return self.last(h)


class RegularizedLoss(nn.Module):
    def __init__(self, model, strength):
        super().__init__()
        self.matrices = [p for p in model.parameters() if p.dim() == 2]
        self.strength = strength

    def forward(self, logits, labels):
        size = torch.stack([matrix.norm() for matrix in self.matrices]).sum()
        return nn.functional.cross_entropy(logits, labels) - self.strength * size


model = Residual()
criterion = RegularizedLoss(model, strength=0.3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(60):
    for rows in train[torch.randperm(len(train))].split(22):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            logits = model(x[val])
            val_loss = nn.functional.cross_entropy(logits, y[val])
        print(f"epoch {epoch}: loss {loss:.3f} accuracy {(logits.argmax(1) == y[val]).float().mean():.3f} val {val_loss:.3f}")
