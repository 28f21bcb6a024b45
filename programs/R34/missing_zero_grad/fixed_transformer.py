import inspect
import string
import textwrap

import torch
from torch import nn

torch.manual_seed(1337)

text = inspect.getsource(textwrap) + inspect.getsource(string)
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])
n = int(0.9 * len(data))
splits = {"train": data[:n], "val": data[n:]}
block_size, n_embd = 24, 40


def get_batch(split, size=24):
    source = splits[split]
    ix = torch.randint(len(source) - block_size, (size,))
    chunk = torch.stack([source[i : i + block_size + 1] for i in ix.tolist()])
    return chunk[:, :-1], chunk[:, 1:]


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(len(chars), n_embd)
        self.wpe = nn.Embedding(block_size, n_embd)
        self.ln1, self.ln2, self.ln_f = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attention = nn.MultiheadAttention(n_embd, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))
        self.lm_head = nn.Linear(n_embd, len(chars))
        self.register_buffer("mask", torch.ones(block_size, block_size, dtype=torch.bool).triu(1))

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe.weight
        h = self.ln1(x)
        x = x + self.attention(h, h, h, attn_mask=self.mask, need_weights=False)[0]
        x = x + self.mlp(self.ln2(x))
        logits = self.lm_head(self.ln_f(x))
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for step in range(301):
    loss = model(*get_batch("train"))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            val_loss = model(*get_batch("val", 64))
        print(f"step {step}: train loss {loss.item():.4f}, val loss {val_loss.item():.4f}")
