import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
rng = random.Random(0)

FILES, RANKS = "abcde", "12345"
SQUARES = [f + r for f in FILES for r in RANKS]
JUMPS = [(1, 2), (2, 1), (-1, 2), (-2, 1), (1, -2), (2, -1), (-1, -2), (-2, -1)]
stoi = {s: i for i, s in enumerate(SQUARES)}


def targets(i):
    f, r = i // 5, i % 5
    return [(f + a) * 5 + r + b for a, b in JUMPS if 0 <= f + a < 5 and 0 <= r + b < 5]


LEGAL = [targets(i) for i in range(25)]


def knight_walk(n):
    """a knight hops over a small board and does not go straight back"""
    walk = [rng.randrange(25)]
    while len(walk) < n:
        options = [t for t in LEGAL[walk[-1]] if len(walk) < 2 or t != walk[-2]]
        walk.append(rng.choice(options or LEGAL[walk[-1]]))
    return walk


BLOCK, DIM, HEADS, LAYERS = 24, 48, 4, 2
STEPS, BATCH, LR, WARMUP = 300, 32, 4e-3, 30


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.ff = nn.Sequential(nn.Linear(DIM, 3 * DIM), nn.GELU(), nn.Linear(3 * DIM, DIM))

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = self.qkv(self.n1(x)).view(B, T, 3, HEADS, DIM // HEADS).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(B, T, DIM))
        return x + self.ff(self.n2(x))


class KnightGPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(25, DIM)
        self.pos = nn.Parameter(torch.zeros(BLOCK, DIM))
        self.layers = nn.Sequential(*[Layer() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, 25, bias=False)
        self.head.weight = self.tok.weight
        nn.init.normal_(self.tok.weight, std=0.05)

    def forward(self, idx):
        return self.head(self.norm(self.layers(self.tok(idx) + self.pos[: idx.size(1)])))


def lr_at(step):
    if step < WARMUP:
        return LR * (step + 1) / WARMUP
    return 0.1 * LR + 0.45 * LR * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


model = KnightGPT()
decay = [p for p in model.parameters() if p.dim() >= 2]
rest = [p for p in model.parameters() if p.dim() < 2]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], betas=(0.9, 0.95))

for step in range(STEPS):
    for g in opt.param_groups:
        g["lr"] = lr_at(step)
    batch = torch.tensor([knight_walk(BLOCK + 1) for _ in range(BATCH)])
    loss = F.cross_entropy(model(batch[:, :-1]).reshape(-1, 25), batch[:, 1:].reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if step % 50 == 0 or step == STEPS - 1:
        print(f"step {step:3d} loss {loss.item():.3f} grad norm {norm:.2f} lr {lr_at(step):.5f}")

model.eval()
games = torch.randint(25, (50, 1))
with torch.no_grad():
    for _ in range(BLOCK - 1):
        p = model(games)[:, -1].softmax(-1)
        games = torch.cat([games, torch.multinomial(p, 1)], dim=1)
ok = [b in LEGAL[a] for row in games.tolist() for a, b in zip(row, row[1:])]
print(" ".join(SQUARES[i] for i in games[0].tolist()[:12]))
print(f"legal moves {sum(ok) / len(ok):.3f}")
