"""Is a bracket sequence well formed? A transformer built from the blocks of a language model, read out at a [CLS] token."""
import random

import torch
from torch import nn
from torch.nn import functional as F

PAIRS = {"(": ")", "[": "]", "{": "}"}
VOCAB = {t: i for i, t in enumerate(["[PAD]", "[CLS]", *"()[]{}"])}
MAX = 17


def well_formed(n, rng):
    out, stack = [], []
    while len(out) < n:
        left = n - len(out)
        if stack and (len(stack) == left or rng.random() < 0.45):
            out.append(PAIRS[stack.pop()])
        else:
            stack.append(rng.choice(list(PAIRS)))
            out.append(stack[-1])
    return out


def broken(n, rng):
    s = well_formed(n, rng)
    for _ in range(rng.randint(1, 3)):
        k = rng.randrange(n)
        s[k] = rng.choice([c for c in "()[]{}" if c != s[k]])
    return s


def examples(n, seed):
    rng = random.Random(seed)
    ids, labels = torch.zeros(n, MAX, dtype=torch.long), torch.zeros(n, dtype=torch.long)
    for i in range(n):
        good = rng.random() < 0.5
        s = (well_formed if good else broken)(2 * rng.randint(2, 8), rng)
        ids[i, :len(s) + 1] = torch.tensor([VOCAB["[CLS]"]] + [VOCAB[c] for c in s])
        labels[i] = int(good)
    return ids, labels


class Attention(nn.Module):
    def __init__(self, dim, heads, causal=True):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x, pad):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        allowed = ~pad[:, None, None, :].expand(b, 1, t, t)
        if self.causal:
            allowed = allowed & torch.ones(t, t, dtype=torch.bool).tril()
        return self.proj(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed).transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads, **kw):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, **kw)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x, pad):
        x = x + self.attn(self.n1(x), pad)
        return x + self.mlp(self.n2(x))


class Classifier(nn.Module):
    def __init__(self, dim=48, depth=3, heads=4):
        super().__init__()
        self.tok, self.pos = nn.Embedding(len(VOCAB), dim), nn.Embedding(MAX, dim)
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 2)

    def forward(self, ids):
        pad = ids == VOCAB["[PAD]"]
        x = self.tok(ids) + self.pos.weight[:ids.shape[1]]
        for block in self.blocks:
            x = block(x, pad)
        return self.head(self.norm(x[:, 0]))


torch.manual_seed(1)
x, y = examples(4000, 1)
x_test, y_test = examples(800, 2)
model = Classifier()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 2e-3, total_steps=8 * 63)
for epoch in range(8):
    model.train()
    total = 0.0
    for b in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(model(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        total += loss.item() * len(b)
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {total / len(x):.4f} test accuracy {acc:.4f}")
