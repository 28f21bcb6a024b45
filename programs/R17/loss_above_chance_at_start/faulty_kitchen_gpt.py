"""A nano GPT on kitchen notes (word level). python faulty.py"""
import math
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1337)
torch.set_num_threads(1)

ITEMS = "onion garlic carrot potato tomato leek fennel pepper mushroom spinach lentil chickpea rice barley pasta".split()
VERBS = "chop slice dice peel wash roast fry boil steam grill".split()
PANS = "pan pot oven bowl wok tray".split()
SPICE = "salt cumin thyme basil chili paprika oregano".split()


def sentence(rng):
    a, b = rng.sample(ITEMS, 2)
    v, w = rng.sample(VERBS, 2)
    p, s = rng.choice(PANS), rng.choice(SPICE)
    forms = [
        f"{v} the {a} and {w} the {b} . then put the {a} and the {b} in the {p} .",
        f"heat the {p} , add the {a} with {s} . after {rng.choice(['five', 'ten', 'twenty'])} minutes add the {b} . leave the {p} to rest .",
        f"if the {a} is soft , {v} the {b} ; if not , {w} the {a} again with {s} .",
        f"serve the {a} from the {p} with {s} and the {b} with {s} .",
    ]
    return rng.choice(forms).split() + ["<nl>"]


@dataclass
class GPTConfig:
    vocab_size: int
    block_size: int = 32
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 64


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n_head = c.n_head
        self.ln1, self.ln2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
        self.qkv = nn.Linear(c.n_embd, 3 * c.n_embd)
        self.proj = nn.Linear(c.n_embd, c.n_embd)
        self.mlp = nn.Sequential(nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.n_head, -1).transpose(1, 2) for t in self.qkv(self.ln1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte = nn.Embedding(c.vocab_size, c.n_embd)
        self.wpe = nn.Embedding(c.block_size, c.n_embd)
        self.h = nn.Sequential(*[Block(c) for _ in range(c.n_layer)])
        self.ln_f = nn.LayerNorm(c.n_embd)
        self.lm_head = nn.Linear(c.n_embd, c.vocab_size, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        logits = self.lm_head(self.ln_f(self.h(x)))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def get_batch(data, block, bs=32):
    ix = torch.randint(len(data) - block - 1, (bs,))
    x = torch.stack([data[i:i + block] for i in ix])
    y = torch.stack([data[i + 1:i + block + 1] for i in ix])
    return x, y


@torch.no_grad()
def estimate(model, data, block):
    model.eval()
    g = [model(*get_batch(data, block, 64))[1].item() for _ in range(6)]
    model.train()
    return sum(g) / len(g)


rng = random.Random(0)
train_words = [w for _ in range(1500) for w in sentence(rng)]
val_words = [w for _ in range(300) for w in sentence(rng)]
stoi = {w: i for i, w in enumerate(sorted(set(train_words)))}
train_data = torch.tensor([stoi[w] for w in train_words])
val_data = torch.tensor([stoi[w] for w in val_words])

cfg = GPTConfig(vocab_size=len(stoi))
model = GPT(cfg)
print(f"vocab {cfg.vocab_size}, {sum(p.numel() for p in model.parameters()) / 1e3:.0f}k parameters")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
max_iters, warmup = 260, 20
for it in range(max_iters):
    lr = 1e-3 * min((it + 1) / warmup, 0.1 + 0.45 * (1 + math.cos(math.pi * it / max_iters)))
    for g in optimizer.param_groups:
        g["lr"] = lr
    _, loss = model(*get_batch(train_data, cfg.block_size))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if it % 20 == 0:
        print(f"iter {it:4d} loss {loss.item():.4f}")
val = estimate(model, val_data, cfg.block_size)
print(f"val loss {val:.4f} perplexity {math.exp(val):.3f}")
