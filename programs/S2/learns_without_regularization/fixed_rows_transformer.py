"""Handwritten digits read row by row: a transformer over the eight rows, with dropout in all its parts and decoupled decay."""
import torch
from sklearn.datasets import load_digits
from torch import nn

images, labels = load_digits(return_X_y=True)
x, y = torch.tensor(images, dtype=torch.float32).reshape(-1, 8, 8) / 8 - 1, torch.tensor(labels)
torch.manual_seed(4)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]


class RowReader(nn.Module):
    def __init__(self, width=32, dropout=0.1):
        super().__init__()
        self.rows, self.places = nn.Linear(8, width), nn.Parameter(torch.randn(8, width) * 0.1)
        self.drop = nn.Dropout(dropout)
        self.block = nn.TransformerEncoderLayer(width, 4, 64, dropout, batch_first=True, norm_first=True)
        self.out = nn.Linear(width, 10)

    def forward(self, images):
        return self.out(self.drop(self.block(self.drop(self.rows(images) + self.places)).mean(1)))


model = RowReader()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
for epoch in range(14):
    model.train()
    for rows in train[torch.randperm(len(train))].split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
