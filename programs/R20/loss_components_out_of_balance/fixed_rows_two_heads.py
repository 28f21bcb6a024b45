"""Handwritten digits by a transformer over their rows: which digit, and how much ink."""
import torch
from sklearn.datasets import load_digits
from torch import nn

images, labels = load_digits(return_X_y=True)
x, digit = torch.tensor(images, dtype=torch.float32).reshape(-1, 8, 8) / 8 - 1, torch.tensor(labels)
ink = x.mean((1, 2))
ink = (ink - ink.mean()) / ink.std()
torch.manual_seed(44)
order = torch.randperm(len(x))
train, test = order[400:], order[:400]


class Reader(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.rows, self.places = nn.Linear(8, width), nn.Parameter(torch.randn(8, width) * 0.1)
        self.block = nn.TransformerEncoderLayer(width, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.digit, self.ink = nn.Linear(width, 10), nn.Linear(width, 1)

    def forward(self, x):
        features = self.block(self.rows(x) + self.places).mean(1)
        return self.digit(features), self.ink(features).squeeze(1)


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in train[torch.randperm(len(train))].split(32):
        read, weighed = model(x[rows])
        loss = 1 * nn.functional.mse_loss(weighed, ink[rows]) + nn.functional.cross_entropy(read, digit[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[test])[0].argmax(1) == digit[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy of the digit {accuracy:.4f}")
