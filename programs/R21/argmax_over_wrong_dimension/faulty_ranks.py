"""Rank eight numbers with a small transformer: for every position, one of eight ranks."""
import torch
from torch import nn


class Ranker(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.mixer = nn.TransformerEncoder(layer, 2)
        self.ranks = nn.Linear(width, 8)

    def forward(self, numbers):
        return self.ranks(self.mixer(self.embed(numbers.unsqueeze(-1))))


def make(count):
    numbers = torch.randn(count, 8)
    return numbers, numbers.argsort(1).argsort(1)


torch.manual_seed(0)
x, y = make(4000)
x_val, y_val = make(300)
model = Ranker()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(1, 301):
    model.train()
    rows = torch.randint(len(x), (64,))
    logits = model(x[rows])
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(x_val)
        right = (logits.argmax(dim=1) == y_val).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} right ranks {right:.3f}")
