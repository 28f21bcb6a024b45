"""Add two two-digit numbers with a decoder written from scratch (causal attention, shared weights)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(11)
a, b = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
a, b = a.flatten(), b.flatten()
order = torch.randperm(1600)
a, b = a[order], b[order]
c = a + b
sequence = torch.stack([a // 10, a % 10, b // 10, b % 10, c % 10, c // 10], dim=1)  # answer: units first
train, val = sequence[:1300], sequence[1300:]


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        n, t, w = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(w // self.heads)
        future = torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)
        weights = scores.masked_fill(future, float("-inf")).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, t, w))


class Decoder(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(10, width), nn.Embedding(5, width)
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, 4)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.head = nn.Linear(width, 10)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        x = x + self.attention(self.norm1(x))
        return self.head(x + self.mlp(self.norm2(x)))


model = Decoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(1300).split(52):
        batch = train[rows]
        loss = F.cross_entropy(model(batch[:, :-1])[:, 3:].flatten(0, 1), batch[:, 4:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        exact = (model(val[:, :-1])[:, 3:].argmax(-1) == val[:, 4:]).all(1).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} sums right {exact:.3f}")
