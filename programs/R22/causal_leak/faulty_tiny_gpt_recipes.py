import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

VERBS = ["chop", "fry", "boil", "peel", "bake"]
THINGS = {"chop": ["onion", "leek"], "fry": ["egg", "fish"], "boil": ["rice", "milk"],
          "peel": ["apple", "carrot"], "bake": ["bread", "cake"]}
TIMES = {"onion": "1", "leek": "2", "egg": "3", "fish": "4", "rice": "5",
         "milk": "6", "apple": "7", "carrot": "8", "bread": "9", "cake": "0"}


@dataclass
class GPTConfig:
    block: int = 32
    layers: int = 2
    heads: int = 2
    dim: int = 48
    batch: int = 24
    steps: int = 350
    lr: float = 3e-3


def recipe_line(rng):
    v = rng.choice(VERBS)
    t = rng.choice(THINGS[v])
    return f"{v} the {t} for {TIMES[t]} min.\n"


def is_valid(line):
    w = line.split(" ")
    return (len(w) == 6 and w[0] in THINGS and w[1] == "the" and w[2] in THINGS[w[0]]
            and w[3] == "for" and w[4] == TIMES[w[2]] and w[5] == "min.")


class CausalSelfAttention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.heads = cfg.heads
        self.qkv = nn.Linear(cfg.dim, 3 * cfg.dim)
        self.proj = nn.Linear(cfg.dim, cfg.dim)
        mask = torch.ones(cfg.block, cfg.block).triu().bool()
        self.register_buffer("mask", mask)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (z.view(B, T, self.heads, C // self.heads).transpose(1, 2) for z in self.qkv(x).chunk(3, dim=-1))
        att = q @ k.transpose(-2, -1) / (C // self.heads) ** 0.5
        att = att.masked_fill(~self.mask[:T, :T], -1e9)
        y = att.softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(cfg.dim), nn.LayerNorm(cfg.dim)
        self.attn = CausalSelfAttention(cfg)
        self.mlp = nn.Sequential(nn.Linear(cfg.dim, 4 * cfg.dim), nn.GELU(), nn.Linear(4 * cfg.dim, cfg.dim))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, cfg, vocab):
        super().__init__()
        self.tok = nn.Embedding(vocab, cfg.dim)
        self.pos = nn.Embedding(cfg.block, cfg.dim)
        self.blocks = nn.Sequential(*[Block(cfg) for _ in range(cfg.layers)])
        self.ln = nn.LayerNorm(cfg.dim)
        self.head = nn.Linear(cfg.dim, vocab)

    def forward(self, idx):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        return self.head(self.ln(self.blocks(x)))


@torch.no_grad()
def generate(model, cfg, start, n):
    model.eval()
    out = start
    for _ in range(n):
        logits = model(out[:, -cfg.block:])[:, -1]
        out = torch.cat([out, torch.multinomial(logits.softmax(-1), 1)], dim=1)
    return out


def main():
    cfg = GPTConfig()
    torch.manual_seed(0)
    rng = random.Random(0)
    text = "".join(recipe_line(rng) for _ in range(3000))
    chars = sorted(set(text))
    stoi = {c: i for i, c in enumerate(chars)}
    data = torch.tensor([stoi[c] for c in text])
    model = GPT(cfg, len(chars))
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    for step in range(cfg.steps + 1):
        ix = torch.randint(len(data) - cfg.block - 1, (cfg.batch,))
        x = torch.stack([data[i:i + cfg.block] for i in ix])
        y = torch.stack([data[i + 1:i + cfg.block + 1] for i in ix])
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.3f}")

    start = torch.full((60, 1), stoi["\n"])
    lines = []
    for row in generate(model, cfg, start, 60):
        lines += "".join(chars[i] for i in row).split("\n")[1:-1]
    print(lines[:4])
    good = sum(is_valid(l) for l in lines) / max(1, len(lines))
    print(f"valid generated lines: {good:.3f}")


main()
