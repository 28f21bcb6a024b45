"""Language identification of short words: words come from one shard per language, a small CNN over letters reads them."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset

LANGS = {
    "finn": (["ka", "ki", "ta", "tt", "ll", "sa", "nen", "uo", "ää", "yö", "ko", "mme", "i"], 3),
    "ital": (["ca", "zione", "to", "lla", "gli", "ra", "do", "ne", "ssa", "o", "pe", "i", "che"], 3),
    "germ": (["sch", "ung", "er", "ge", "ein", "ver", "tz", "keit", "ab", "lich", "st", "ü"], 3),
    "pol": (["prze", "ski", "cz", "ów", "ie", "wa", "nie", "sz", "ło", "dź", "ka", "y"], 3),
    "turk": (["lar", "ım", "da", "ğı", "yor", "ler", "ka", "üz", "mek", "sı", "bil", "ş"], 3),
}
LETTERS = sorted({c for parts, _ in LANGS.values() for p in parts for c in p})
CODE = {c: i + 1 for i, c in enumerate(LETTERS)}
MAXLEN = 14


def word(lang, rng):
    parts, n = LANGS[lang]
    w = "".join(rng.choice(parts) for _ in range(rng.randint(2, n)))
    if rng.random() < 0.35:
        k = rng.randrange(len(w))
        w = w[:k] + rng.choice(LETTERS) + w[k + 1:]
    return w[:MAXLEN]


def shard(lang, n, seed):
    rng = random.Random(f"{lang}-{seed}")
    label = list(LANGS).index(lang)
    return [(word(lang, rng), label) for _ in range(n)]


class Shards(IterableDataset):
    """Reads shard after shard; shards and the words in them come in a new order every epoch."""

    def __init__(self, per_lang, shards_per_lang, seed):
        size = per_lang // shards_per_lang
        self.shards = [shard(l, size, f"{seed}/{k}") for l in LANGS for k in range(shards_per_lang)]
        self.rng = random.Random(seed)

    def __iter__(self):
        order = self.rng.sample(self.shards, len(self.shards))
        for part in order:
            yield from self.rng.sample(part, len(part))


def collate(rows):
    x = torch.zeros(len(rows), MAXLEN, dtype=torch.long)
    for i, (w, _) in enumerate(rows):
        x[i, :len(w)] = torch.tensor([CODE[c] for c in w])
    return x, torch.tensor([y for _, y in rows])


class LetterCNN(nn.Module):
    def __init__(self, dim=24, channels=48):
        super().__init__()
        self.emb = nn.Embedding(len(CODE) + 1, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, channels, 3, padding=1)
        self.bn = nn.BatchNorm1d(channels)
        self.fc = nn.Linear(channels, len(LANGS))

    def forward(self, x):
        h = torch.relu(self.bn(self.conv(self.emb(x).transpose(1, 2))))
        return self.fc(h.amax(2))


torch.manual_seed(4)
train = Shards(600, 10, "train")
test_x, test_y = collate([row for l in LANGS for row in shard(l, 200, "test")])
loader = DataLoader(train, batch_size=60, collate_fn=collate)
model = LetterCNN()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(1, 13):
    model.train()
    total = steps = 0
    for x, y in loader:
        loss = criterion(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total, steps = total + loss.item(), steps + 1
    model.eval()
    with torch.no_grad():
        acc = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch:2d}: loss {total / steps:.3f}, accuracy on new words {acc:.3f}")
