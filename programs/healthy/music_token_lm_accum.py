"""
Small GPT on melody tokens. bf16 autocast, gradient accumulation, warm-up from 0.
Melodies are generated from a scale-aware Markov process with repeated phrases.
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, BLOCK = 32, 32
MICRO_BATCH, ACCUM = 8, 4
MAX_STEPS, WARMUP, PEAK_LR = 160, 20, 4e-3


def melody(length, rng):
    """phrases of 8 notes, a phrase comes back once or twice before it changes"""
    out = []
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12]) + rng.integers(0, 8)
    while len(out) < length:
        pos = rng.integers(0, 8)
        phrase = []
        for _ in range(8):
            pos = int(np.clip(pos + rng.choice([-2, -1, -1, 1, 1, 2]), 0, 7))
            phrase.append(scale[pos])
        for _ in range(rng.integers(2, 4)):
            out += phrase
    return np.array(out[:length]) % VOCAB


class Attention(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (a.view(b, t, self.h, d // self.h).transpose(1, 2) for a in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(y.transpose(1, 2).reshape(b, t, d))


class GPT(nn.Module):
    def __init__(self, d=48, h=4, layers=2):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCAB, d), nn.Embedding(BLOCK, d)
        self.blocks = nn.ModuleList([nn.ModuleDict(dict(
            n1=nn.LayerNorm(d), attn=Attention(d, h), n2=nn.LayerNorm(d),
            mlp=nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)))) for _ in range(layers)])
        self.norm = nn.LayerNorm(d)
        self.apply(self._init)

    def _init(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
            if getattr(m, "bias", None) is not None:
                nn.init.zeros_(m.bias)

    def forward(self, idx):
        x = self.wte(idx) + self.wpe.weight[:idx.size(1)]
        for b in self.blocks:
            x = x + b["attn"](b["n1"](x))
            x = x + b["mlp"](b["n2"](x))
        return self.norm(x) @ self.wte.weight.t()       # tied output


def get_batch(data, n, gen):
    i = torch.randint(0, len(data) - BLOCK - 1, (n,), generator=gen)
    x = torch.stack([data[j:j + BLOCK] for j in i])
    y = torch.stack([data[j + 1:j + BLOCK + 1] for j in i])
    return x, y


def lr_at(step):
    if step < WARMUP:
        return PEAK_LR * step / WARMUP
    t = (step - WARMUP) / (MAX_STEPS - WARMUP)
    return PEAK_LR * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * t)))


@torch.no_grad()
def perplexity(model, data, gen):
    model.eval()
    losses = []
    for _ in range(8):
        x, y = get_batch(data, 16, gen)
        losses.append(F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item())
    return math.exp(np.mean(losses))


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    train = torch.tensor(np.concatenate([melody(256, rng) for _ in range(300)]))
    val = torch.tensor(np.concatenate([melody(256, rng) for _ in range(30)]))
    model = GPT()
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                            lr=PEAK_LR, betas=(0.9, 0.95))
    gen = torch.Generator().manual_seed(1)
    running = 0.0
    for step in range(MAX_STEPS):
        model.train()
        for group in opt.param_groups:
            group["lr"] = lr_at(step)
        opt.zero_grad(set_to_none=True)
        for _ in range(ACCUM):
            x, y = get_batch(train, MICRO_BATCH, gen)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(x)
            loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten()) / ACCUM
            loss.backward()
            running += loss.item()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if (step + 1) % 20 == 0:
            ppl = perplexity(model, val, torch.Generator().manual_seed(5))
            print(f"step {step + 1} lr {lr_at(step):.2e} train loss {running / 20:.4f} val ppl {ppl:.3f}")
            running = 0.0


if __name__ == "__main__":
    main()
