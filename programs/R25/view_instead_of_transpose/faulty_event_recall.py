import math
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
rng = np.random.default_rng(0)

N_EVENTS, N_CODES, SEQ = 8, 8, 16


def sample(n):
    kind = rng.integers(0, N_EVENTS, (n, SEQ))
    flag = np.zeros((n, SEQ), dtype=np.int64)
    where = rng.integers(0, SEQ, n)
    flag[np.arange(n), where] = 1
    target = kind[np.arange(n), where]
    return torch.tensor(kind), torch.tensor(flag), torch.tensor(target)


class FullAttention(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values):
        B, L, H, D = queries.shape
        scale = 1.0 / math.sqrt(D)
        queries = queries.view(B, H, L, -1)
        keys = keys.view(B, H, L, -1)
        values = values.view(B, H, L, -1)
        scores = torch.matmul(queries, keys.transpose(-2, -1)) * scale
        attn = self.dropout(torch.softmax(scores, dim=-1))
        context = torch.matmul(attn, values)
        return context.view(B, L, -1)


class AttentionLayer(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.inner = FullAttention()
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.out = nn.Linear(d_model, d_model)
        self.n_heads = n_heads

    def forward(self, x):
        B, L, _ = x.shape
        H = self.n_heads
        q = self.query(x).view(B, L, H, -1)
        k = self.key(x).view(B, L, H, -1)
        v = self.value(x).view(B, L, H, -1)
        return self.out(self.inner(q, k, v))


class EncoderLayer(nn.Module):
    def __init__(self, d_model, n_heads, d_ff):
        super().__init__()
        self.attention = AttentionLayer(d_model, n_heads)
        self.ff = nn.Sequential(nn.Linear(d_model, d_ff), nn.GELU(), nn.Linear(d_ff, d_model))
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.ff(x))


class LogModel(nn.Module):
    def __init__(self, d_model=32, n_heads=4, layers=2):
        super().__init__()
        self.event = nn.Embedding(N_EVENTS, d_model)
        self.flag = nn.Embedding(2, d_model)
        self.position = nn.Parameter(torch.randn(SEQ, d_model) * 0.1)
        self.encoder = nn.ModuleList([EncoderLayer(d_model, n_heads, 64) for _ in range(layers)])
        self.projection = nn.Linear(d_model, N_CODES)

    def forward(self, kind, flag):
        x = self.event(kind) + self.flag(flag) + self.position
        for layer in self.encoder:
            x = layer(x)
        return self.projection(x[:, -1])


class Exp:
    def __init__(self):
        self.model = LogModel()
        self.train_data = sample(6000)
        self.test_data = sample(1000)

    def train(self, epochs=5, batch=64):
        optim = torch.optim.Adam(self.model.parameters(), lr=2e-3)
        kind, flag, target = self.train_data
        for epoch in range(epochs):
            self.model.train()
            order = torch.randperm(len(target))
            total = []
            for i in range(0, len(order), batch):
                idx = order[i:i + batch]
                optim.zero_grad()
                loss = F.cross_entropy(self.model(kind[idx], flag[idx]), target[idx])
                loss.backward()
                optim.step()
                total.append(loss.item())
            print(f'Epoch: {epoch + 1} | Train Loss: {np.mean(total):.4f} Test Acc: {self.test():.3f}')

    def test(self):
        self.model.eval()
        kind, flag, target = self.test_data
        with torch.no_grad():
            return (self.model(kind, flag).argmax(1) == target).float().mean().item()


exp = Exp()
exp.train()
print(f'final test accuracy: {exp.test():.3f}')
