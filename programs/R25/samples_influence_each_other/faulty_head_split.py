import math

import torch
from sklearn.datasets import load_digits
from torch import nn


class MultiHead(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def split(self, x):
        batch, length, width = x.shape
        depth = width // self.heads
        return x.reshape(self.heads, length, batch, depth).transpose(0, 2).transpose(1, 2)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (self.split(part) for part in self.qkv(x).chunk(3, dim=-1))
        weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))


class RowTransformer(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.position = nn.Parameter(torch.randn(8, width) * 0.1)
        self.attention = MultiHead(width, 4)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))
        self.head = nn.Linear(width, 10)

    def forward(self, rows):
        x = self.attention(self.embed(rows) + self.position)
        return self.head((x + self.mlp(x)).mean(1))


torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(1797)
x, y = torch.tensor(digits.images, dtype=torch.float32)[order], torch.tensor(digits.target)[order]
x = (x - x[:1400].mean()) / x[:1400].std()
model = RowTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(12):
    model.train()
    for batch in torch.randperm(1400).split(56):
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} validation accuracy {accuracy:.4f}")
