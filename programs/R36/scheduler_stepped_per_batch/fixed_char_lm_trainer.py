import math
from types import SimpleNamespace

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from torch import nn
from torch.nn import functional as F

text = "".join(load().DESCR for load in (load_iris, load_wine, load_diabetes, load_breast_cancer)).lower()
chars = sorted(set(text))
stoi = {ch: i for i, ch in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
cut = int(0.9 * len(ids))
config = SimpleNamespace(vocab=len(chars), block=32, dim=48, heads=4, depth=2, batch=32, lr=3e-3, gamma=0.9, epochs=8, iters=25)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)
        self.attn = nn.MultiheadAttention(c.dim, c.heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(c.dim, 4 * c.dim), nn.GELU(), nn.Linear(4 * c.dim, c.dim))
        self.register_buffer("mask", torch.triu(torch.ones(c.block, c.block, dtype=torch.bool), 1))

    def forward(self, x):
        h = self.ln_1(x)
        x = x + self.attn(h, h, h, attn_mask=self.mask, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class TinyGPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.tok, self.pos = nn.Embedding(c.vocab, c.dim), nn.Embedding(c.block, c.dim)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.depth))
        self.ln_f, self.head = nn.LayerNorm(c.dim), nn.Linear(c.dim, c.vocab)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.ln_f(x))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


class Trainer:
    def __init__(self, model, config):
        self.model, self.config = model, config
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, config.gamma)

    def batch(self, source):
        start = torch.randint(len(source) - self.config.block - 1, (self.config.batch,)).tolist()
        x = torch.stack([source[s : s + self.config.block] for s in start])
        return x, torch.stack([source[s + 1 : s + self.config.block + 1] for s in start])

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        torch.manual_seed(7)
        losses = [self.model(*self.batch(ids[cut:]))[1].item() for _ in range(5)]
        self.model.train()
        return sum(losses) / len(losses)

    def fit(self):
        for epoch in range(self.config.epochs):
            for _ in range(self.config.iters):
                _, loss = self.model(*self.batch(ids[:cut]))
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimizer.step()
            self.scheduler.step()
            bits = self.evaluate() / math.log(2)
            print(f"epoch {epoch}: train {loss.item():.3f}, held-out bits per character {bits:.3f}")


torch.manual_seed(1)
Trainer(TinyGPT(config), config).fit()
