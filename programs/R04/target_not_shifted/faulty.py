"""A small GPT on the source of a module of the standard library."""
import argparse
import inspect

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
text = inspect.getsource(argparse)
tokens = torch.tensor([min(ord(c), 127) for c in text])
split = int(0.9 * len(tokens))
train_tokens, val_tokens = tokens[:split], tokens[split:]
T, B, D = 32, 24, 64


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(128, D)
        self.position = nn.Embedding(T, D)
        layer = nn.TransformerEncoderLayer(D, 4, 128, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(D, 128)

    def forward(self, x):
        n = x.shape[1]
        mask = torch.triu(torch.full((n, n), float("-inf")), 1)
        return self.head(self.blocks(self.token(x) + self.position(torch.arange(n)), mask=mask))


def get_batch(source):
    starts = torch.randint(0, len(source) - T - 1, (B,))
    x = torch.stack([source[i : i + T] for i in starts])
    y = torch.stack([source[i : i + T] for i in starts])
    return x, y


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(160):
    x, y = get_batch(train_tokens)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f"step {step}: loss {loss.item():.3f}")

starts = torch.arange(0, len(val_tokens) - T - 1, T)
with torch.no_grad():
    window = torch.stack([val_tokens[i : i + T + 1] for i in starts])
    guess = model(window[:, :-1]).argmax(-1)
print(f"share of next characters guessed: {(guess == window[:, 1:]).float().mean():.3f}")
