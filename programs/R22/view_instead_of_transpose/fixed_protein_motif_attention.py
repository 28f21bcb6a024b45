"""Which residue follows the second binding motif? Toy benchmark for our own attention block."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

ALPHABET = "ACDEFGHIKLMNPQRS"
SEQ_LEN = 24
QUERY = len(ALPHABET)          # special token at the end: the key letter follows
torch.manual_seed(5)
rng = np.random.default_rng(5)


def make_split(n):
    """key/value pairs K1 V1 K2 V2 ..., then the QUERY token and one of the keys; label = its value"""
    pairs = (SEQ_LEN - 2) // 2
    seqs = np.zeros((n, SEQ_LEN), dtype=np.int64)
    labels = np.zeros(n, dtype=np.int64)
    for i in range(n):
        keys = rng.permutation(8)[:6]
        keys = np.concatenate([keys, rng.choice(keys, pairs - 6)])
        table = dict(zip(range(8), rng.integers(8, 16, 8)))
        rng.shuffle(keys)
        for j, k in enumerate(keys):
            seqs[i, 2 * j], seqs[i, 2 * j + 1] = k, table[k]
        asked = rng.choice(keys)
        seqs[i, -2], seqs[i, -1] = QUERY, asked
        labels[i] = table[asked] - 8
    return torch.from_numpy(seqs), torch.from_numpy(labels)


class MultiHeadAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.dk = heads, dim // heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q = q.view(B, T, self.heads, self.dk).transpose(1, 2)
        k = k.view(B, T, self.heads, self.dk).transpose(1, 2)
        v = v.view(B, T, self.heads, self.dk).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / self.dk ** 0.5
        weights = F.softmax(scores, dim=-1)
        out = (weights @ v).transpose(1, 2).reshape(B, T, C)
        return self.proj(out)


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = MultiHeadAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class MotifNet(nn.Module):
    def __init__(self, dim=48, heads=4, depth=2):
        super().__init__()
        self.tok = nn.Embedding(len(ALPHABET) + 1, dim)
        # a value also sees the letter before it
        self.prev = nn.Embedding(len(ALPHABET) + 2, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(SEQ_LEN, dim))
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 8)

    def forward(self, ids):
        before = F.pad(ids[:, :-1], (1, 0), value=len(ALPHABET) + 1)
        x = self.tok(ids) + self.prev(before) + self.pos
        for blk in self.blocks:
            x = blk(x)
        return self.head(self.norm(x)[:, -1])


def main():
    x_train, y_train = make_split(3000)
    x_test, y_test = make_split(500)
    model = MotifNet()
    optim = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    epochs, bs = 6, 64
    steps = epochs * (len(x_train) // bs)
    sched = torch.optim.lr_scheduler.LambdaLR(optim, lambda s: min(1.0, (s + 1) / 60) * max(0.05, 1 - s / steps))
    for epoch in range(epochs):
        model.train()
        perm = torch.randperm(len(x_train))
        run = 0.0
        for i in range(0, len(perm) - bs + 1, bs):
            idx = perm[i:i + bs]
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            optim.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optim.step()
            sched.step()
            run += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(-1) == y_test).float().mean().item()
        print(f"epoch={epoch:02d} train_loss={run / (len(perm) // bs):.4f} test_acc={acc:.4f}")


if __name__ == "__main__":
    main()
