"""Handwritten digits, read row by row: a GRU and a classifier of directions."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
images, labels = load_digits(return_X_y=True)
rows = torch.tensor(images, dtype=torch.float32).reshape(-1, 8, 8) / 8 - 1
labels = torch.tensor(labels)
order = torch.randperm(len(rows))
train, test = order[400:], order[:400]
loader = DataLoader(TensorDataset(rows[train], labels[train]), batch_size=48, shuffle=True)


class Compass(nn.Module):
    """A direction for each class; the logits say how near the features are to each."""

    def __init__(self, features, classes):
        super().__init__()
        self.directions = nn.Parameter(torch.randn(classes, features))

    def forward(self, x):
        return 16 * nn.functional.linear(nn.functional.normalize(x), nn.functional.normalize(self.directions))


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 48, batch_first=True)
        self.compass = Compass(48, 10)

    def forward(self, x):
        return self.compass(self.gru(x)[0][:, -1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(10):
    model.train()
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(rows[test]).argmax(1) == labels[test]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
