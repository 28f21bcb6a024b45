"""A small GPT writes words backwards: "stone>enots". It is tested by what it writes by itself."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn import functional as F

LETTERS = "abcdefghij>"
LENGTH = 5


@dataclass
class GPTConfig:
    block_size: int = 2 * LENGTH
    vocab_size: int = len(LETTERS)
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 48


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)
        self.register_buffer("bias", torch.tril(torch.ones(config.block_size, config.block_size)) == 0)

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(C, dim=2)
        q, k, v = (z.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for z in (q, k, v))
        att = (q @ k.transpose(-2, -1)) / math.sqrt(k.size(-1))
        att = att.masked_fill(self.bias[:T, :T], float("-inf")).softmax(-1)
        y = att @ v
        y = y.transpose(1, 2).reshape(B, T, C)
        return self.c_proj(y)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(config.n_embd), nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd), nn.GELU(), nn.Linear(4 * config.n_embd, config.n_embd))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.h = nn.Sequential(*(Block(config) for _ in range(config.n_layer)))
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)

    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        logits = self.lm_head(self.ln_f(self.h(x)))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, count):
        for _ in range(count):
            logits, _ = self(idx)
            idx = torch.cat([idx, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        return idx


def batch(size, generator):
    words = torch.randint(len(LETTERS) - 1, (size, LENGTH), generator=generator)
    mark = torch.full((size, 1), len(LETTERS) - 1)
    whole = torch.cat([words, mark, words.flip(1)], dim=1)
    targets = whole[:, 1:].clone()
    targets[:, :LENGTH] = -1
    return whole[:, :-1], targets


def main():
    torch.manual_seed(1337)
    generator = torch.Generator().manual_seed(1)
    model = GPT(GPTConfig())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    for step in range(1, 451):
        idx, targets = batch(40, generator)
        _, loss = model(idx, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 150 == 0:
            idx, targets = batch(200, generator)
            written = model.generate(idx[:, : LENGTH + 1], LENGTH)[:, LENGTH + 1:]
            right = (written == targets[:, LENGTH:]).float().mean().item()
            print(f"step {step}: loss {loss.item():.4f}, letters written right {right:.4f}")


if __name__ == "__main__":
    main()
