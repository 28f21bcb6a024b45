"""Look up a key in a list of (key, value) pairs with a small transformer."""
import torch
import torch.nn.functional as F
from torch import nn

KEYS, VALUES, PAIRS, WIDTH = 12, 10, 6, 48


class Attention(nn.Module):
    def __init__(self, dim, heads, attn_drop):
        super().__init__()
        self.heads, self.attn_drop = heads, attn_drop
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, length, dim = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop if self.training else 0.0)
        return self.proj(x.transpose(1, 2).reshape(batch, length, dim))


class Block(nn.Module):
    def __init__(self, dim, attn_drop):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, 1, attn_drop)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.key = nn.Embedding(KEYS, WIDTH)
        self.value = nn.Embedding(VALUES + 1, WIDTH)
        self.blocks = nn.Sequential(*[Block(WIDTH, attn_drop=0.2) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VALUES)

    def forward(self, keys, values):
        return self.head(self.norm(self.blocks(self.key(keys) + self.value(values))[:, -1]))


def sample(count):
    keys = torch.rand(count, KEYS).argsort(1)[:, :PAIRS]
    values = torch.randint(VALUES, (count, PAIRS))
    asked = torch.randint(PAIRS, (count, 1))
    blank = torch.full((count, 1), VALUES)
    return torch.cat([keys, keys.gather(1, asked)], 1), torch.cat([values, blank], 1), values.gather(1, asked)[:, 0]


torch.manual_seed(4)
train, valid = sample(4000), sample(1000)
model = Lookup()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=6 * 63)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(4000).split(64):
        loss = F.cross_entropy(model(train[0][rows], train[1][rows]), train[2][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        logits = model(valid[0], valid[1])
    accuracy = (logits.argmax(1) == valid[2]).float().mean().item()
    validation = F.cross_entropy(logits, valid[2]).item()
    print(f"epoch {epoch} train {loss.item():.4f} accuracy {accuracy:.4f} validation loss {validation:.4f}")
