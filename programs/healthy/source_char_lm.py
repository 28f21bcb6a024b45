"""A small character-level transformer trained on the source of a module."""

import argparse as corpus_module
import inspect

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1337)
block, batch_size, width, heads = 32, 24, 48, 4

text = inspect.getsource(corpus_module)
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
tokens = torch.tensor([stoi[c] for c in text])
split = int(0.9 * len(tokens))
train_tokens, val_tokens = tokens[:split], tokens[split:]


def get_batch(source):
    starts = torch.randint(len(source) - block - 1, (batch_size,))
    x = torch.stack([source[i : i + block] for i in starts])
    y = torch.stack([source[i + 1 : i + block + 1] for i in starts])
    return x, y


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(len(chars), width)
        self.pos = nn.Embedding(block, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(chars))

    def forward(self, idx):
        t = idx.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        h = self.tok(idx) + self.pos(torch.arange(t))
        return self.head(self.norm(self.blocks(h, mask=mask, is_causal=True)))


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, s / 20))

for step in range(151):
    model.train()
    x, y = get_batch(train_tokens)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 30 == 0:
        model.eval()
        with torch.no_grad():
            xv, yv = get_batch(val_tokens)
            val = F.cross_entropy(model(xv).flatten(0, 1), yv.flatten())
        print(f"step {step}: train {loss.item():.3f} val {val.item():.3f}")
