"""Next-character transformer on the source of a module."""
import inspect
import textwrap

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
text = inspect.getsource(textwrap)
alphabet = sorted(set(text))
data = torch.tensor([alphabet.index(c) for c in text])
train_data, val_data = data[:-3000], data[-3000:]
block_size, batch_size = 32, 24


def get_batch(source):
    ix = torch.randint(block_size, (batch_size,))
    x = torch.stack([source[i : i + block_size] for i in ix])
    y = torch.stack([source[i + 1 : i + block_size + 1] for i in ix])
    return x, y


class Model(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(len(alphabet), width), nn.Embedding(block_size, width)
        self.block = nn.TransformerEncoderLayer(width, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(alphabet)))

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
        return self.head(self.block(h, src_mask=mask, is_causal=True))


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for step in range(1, 201):
    model.train()
    x, y = get_batch(train_data)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        model.eval()
        with torch.no_grad():
            x = val_data[: 90 * 33].view(90, 33)
            val = F.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten()).item()
        print(f"step {step}: train loss {loss.item():.3f} val loss {val:.3f}")
