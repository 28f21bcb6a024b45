"""A small GPT that learns to spell numbers: "4071=four thousand seventy one". Loss on the answer only."""
import math
import random
from types import SimpleNamespace

import torch
import torch.nn as nn
from torch.nn import functional as F

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "x x twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + (" " + ONES[n % 10] if n % 10 else "")
    if n < 1000:
        return ONES[n // 100] + " hundred" + (" " + spell(n % 100) if n % 100 else "")
    return spell(n // 1000) + " thousand" + (" " + spell(n % 1000) if n % 1000 else "")


ALPHABET = ["\n", "="] + list("0123456789 ") + sorted(set("".join(ONES + TENS) + "hundredthousand"))
STOI = {c: i for i, c in enumerate(ALPHABET)}
BLOCK = 52


def encode_pair(n):
    s = f"{n}={spell(n)}\n"
    ids = [STOI[c] for c in s]
    start = s.index("=")
    x = ids[:-1]
    y = [-1] * start + ids[start + 1:]
    pad = BLOCK - len(x)
    return x + [0] * pad, y + [-1] * pad


cfg = SimpleNamespace(n_layer=2, n_head=4, n_embd=64, vocab=len(ALPHABET), steps=420, bs=48, lr=3e-3)


class CausalSelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.h = c.n_head
        self.qkv = nn.Linear(c.n_embd, 3 * c.n_embd, bias=False)
        self.proj = nn.Linear(c.n_embd, c.n_embd, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (z.view(B, T, self.h, C // self.h).transpose(1, 2) for z in self.qkv(x).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
        self.attn = CausalSelfAttention(c)
        self.mlp = nn.Sequential(nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte = nn.Embedding(c.vocab, c.n_embd)
        self.wpe = nn.Embedding(BLOCK, c.n_embd)
        self.h = nn.ModuleList(Block(c) for _ in range(c.n_layer))
        self.ln_f = nn.LayerNorm(c.n_embd)
        self.lm_head = nn.Linear(c.n_embd, c.vocab, bias=False)
        self.lm_head.weight = self.wte.weight
        self.apply(self._init)

    def _init(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.zeros_(m.bias)

    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe.weight[: idx.shape[1]]
        for b in self.h:
            x = b(x)
        logits = self.lm_head(self.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        return logits, loss


def answer_all(model, numbers):
    good = 0
    groups = {}
    for n in numbers:
        groups.setdefault(len(str(n)), []).append(n)
    for group in groups.values():
        ids = torch.tensor([[STOI[c] for c in f"{n}="] for n in group])
        while ids.shape[1] < BLOCK:
            nxt = model(ids)[0][:, -1].argmax(-1, keepdim=True)
            ids = torch.cat([ids, nxt], 1)
        for n, row in zip(group, ids.tolist()):
            text = "".join(ALPHABET[i] for i in row).split("=")[1].split("\n")[0]
            good += text == spell(n)
    return good / len(numbers)


random.seed(0)
torch.manual_seed(0)
numbers = random.sample(range(10_000), 6000)
train, held_out = numbers[:5800], numbers[5800:]
X, Y = (torch.tensor(t) for t in zip(*[encode_pair(n) for n in train]))
VX, VY = (torch.tensor(t) for t in zip(*[encode_pair(n) for n in held_out]))
model = GPT(cfg)
decay = [p for p in model.parameters() if p.dim() >= 2]
rest = [p for p in model.parameters() if p.dim() < 2]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                        lr=cfg.lr, betas=(0.9, 0.95))
for step in range(cfg.steps):
    lr = cfg.lr * min(1, (step + 1) / 40) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / cfg.steps)))
    for group in opt.param_groups:
        group["lr"] = lr
    batch = torch.randint(len(X), (cfg.bs,))
    _, loss = model(X[batch], Y[batch])
    opt.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if step % 105 == 104:
        with torch.no_grad():
            print(f"step {step + 1} loss {loss.item():.4f} held-out loss {model(VX, VY)[1].item():.4f}")
model.eval()
with torch.no_grad():
    print(f"exact answers on unseen numbers: {answer_all(model, held_out):.3f}")
