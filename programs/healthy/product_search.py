import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

KINDS = {"lamp": "light", "chair": "seat", "desk": "table", "rug": "carpet", "mug": "cup",
         "jacket": "coat", "boots": "shoes", "sofa": "couch", "bin": "basket", "shelf": "rack"}
COLORS = ["red", "blue", "green", "black", "white", "grey", "yellow", "pink"]
STUFF = ["wood", "steel", "wool", "glass", "leather", "cotton", "plastic", "paper"]
SIZES = {"small": "little", "large": "big", "tall": "high", "flat": "low"}
NOISE = "nice good for home buy cheap new the a with of".split()


def all_products():
    return [(k, c, s, z) for k in KINDS for c in COLORS for s in STUFF for z in SIZES]


def title(p, rng):
    words = [p[3], p[1], p[2], p[0]]
    rng.shuffle(words)
    return words + rng.sample(NOISE, 2)


def query(p, rng):
    words = [SIZES[p[3]] if rng.random() < 0.6 else p[3], p[1], p[2], KINDS[p[0]] if rng.random() < 0.6 else p[0]]
    rng.shuffle(words)
    return words + rng.sample(NOISE, 1)


VOCAB = {w: i + 1 for i, w in enumerate(
    list(KINDS) + list(KINDS.values()) + COLORS + STUFF + list(SIZES) + list(SIZES.values()) + NOISE)}


def encode(words, n=6):
    ids = [VOCAB[w] for w in words]
    return torch.tensor(ids + [0] * (n - len(ids)))


class Clicks(Dataset):
    def __init__(self, products, seed):
        self.products = products
        self.rng = random.Random(seed)

    def __len__(self):
        return len(self.products)

    def __getitem__(self, i):
        p = self.products[i]
        return encode(query(p, self.rng)), encode(title(p, self.rng))


class Tower(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.emb = nn.Embedding(len(VOCAB) + 1, dim, padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear(dim, 96), nn.ReLU(), nn.Linear(96, 32))

    def forward(self, ids):
        return F.normalize(self.mlp(self.emb(ids).sum(1)), dim=-1)


class TwoTower(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.t = Tower(), Tower()
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, q, t):
        return self.log_scale.exp().clamp(max=50) * self.q(q) @ self.t(t).T


def recall_at_1(model, products, seed=5):
    rng = random.Random(seed)
    q = torch.stack([encode(query(p, rng)) for p in products])
    t = torch.stack([encode(title(p, rng)) for p in products])
    model.eval()
    with torch.no_grad():
        return (model(q, t).argmax(1) == torch.arange(len(products))).float().mean().item()


def main():
    torch.manual_seed(0)
    acc = Accelerator(cpu=True)
    products = all_products()
    random.Random(0).shuffle(products)
    train, test = products[:-200], products[-200:]
    model = TwoTower()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(Clicks(train, 1), batch_size=128, shuffle=True, drop_last=True)
    model, opt, loader = acc.prepare(model, opt, loader)
    for epoch in range(1, 13):
        model.train()
        total = 0.0
        for q, t in loader:
            logits = model(q, t)
            labels = torch.arange(len(q))
            loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
            opt.zero_grad()
            acc.backward(loss)
            opt.step()
            total += loss.item()
        if epoch % 3 == 0:
            scale = model.log_scale.exp().item()
            acc.print(f"epoch {epoch:2d} loss {total / len(loader):.3f} scale {scale:.1f} recall@1 {recall_at_1(model, test):.3f}")
    acc.print(f"recall@1 {recall_at_1(model, test):.3f}")


if __name__ == "__main__":
    main()
