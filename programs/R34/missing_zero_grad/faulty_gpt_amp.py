"""A small character-level GPT on the language reference that ships with Python."""
import math
import time
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from pydoc_data import topics


@dataclass
class GPTConfig:
    vocab_size: int = 0
    block_size: int = 48
    n_layer: int = 2
    n_head: int = 4
    n_embd: int = 64
    dropout: float = 0.0


@dataclass
class TrainerConfig:
    max_iters: int = 400
    batch_size: int = 24
    learning_rate: float = 3e-3
    betas: tuple = (0.9, 0.95)
    weight_decay: float = 0.1
    grad_norm_clip: float = 1.0
    warmup: int = 20
    eval_every: int = 100


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)
        self.n_head = config.n_head

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd), nn.GELU(), nn.Linear(4 * config.n_embd, config.n_embd)
        )

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.block_size = config.block_size
        self.tok_emb = nn.Embedding(config.vocab_size, config.n_embd)
        self.pos_emb = nn.Embedding(config.block_size, config.n_embd)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.n_layer)])
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)

    def forward(self, idx, targets=None):
        x = self.tok_emb(idx) + self.pos_emb(torch.arange(idx.size(1), device=idx.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))
        return logits, loss


class CharData:
    def __init__(self, text, block_size):
        chars = sorted(set(text))
        self.stoi = {c: i for i, c in enumerate(chars)}
        self.data = torch.tensor([self.stoi[c] for c in text])
        self.vocab_size, self.block_size = len(chars), block_size
        self.split = int(0.9 * len(self.data))

    def batch(self, part, size):
        low, high = (0, self.split) if part == "train" else (self.split, len(self.data))
        starts = torch.randint(low, high - self.block_size - 1, (size,))
        x = torch.stack([self.data[i : i + self.block_size] for i in starts])
        y = torch.stack([self.data[i + 1 : i + 1 + self.block_size] for i in starts])
        return x, y


class Trainer:
    def __init__(self, model, data, config):
        self.config, self.data = config, data
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.device.type == "cuda")

    def lr(self, it):
        if it < self.config.warmup:
            return self.config.learning_rate * (it + 1) / self.config.warmup
        progress = (it - self.config.warmup) / (self.config.max_iters - self.config.warmup)
        return self.config.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        losses = []
        for _ in range(10):
            x, y = self.data.batch("val", 50)
            losses.append(self.model(x.to(self.device), y.to(self.device))[1].item())
        self.model.train()
        return sum(losses) / len(losses)

    def run(self):
        start = time.time()
        self.model.train()
        for it in range(1, self.config.max_iters + 1):
            for group in self.optimizer.param_groups:
                group["lr"] = self.lr(it)
            x, y = self.data.batch("train", self.config.batch_size)
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
                _, loss = self.model(x.to(self.device), y.to(self.device))
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_norm_clip)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            if it % self.config.eval_every == 0:
                print(f"iter {it}: train {loss.item():.4f} val {self.evaluate():.4f} ({time.time() - start:.0f} s)")


if __name__ == "__main__":
    torch.manual_seed(1337)
    text = "\n".join(topics.topics[name] for name in sorted(topics.topics))[:120_000]
    data = CharData(text, GPTConfig.block_size)
    model = GPT(GPTConfig(vocab_size=data.vocab_size))
    Trainer(model, data, TrainerConfig()).run()
