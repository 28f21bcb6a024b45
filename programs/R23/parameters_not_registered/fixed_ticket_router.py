"""Route support tickets to a team. Word embeddings + stacked self-attention, trained from scratch."""
import random
from collections import Counter

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

random.seed(0)
torch.manual_seed(0)
torch.set_num_threads(1)

OBJ = {"printer": "hw", "laptop": "hw", "monitor": "hw", "dock": "hw", "invoice": "fin", "refund": "fin", "payment": "fin",
       "salary": "fin", "vpn": "net", "wifi": "net", "firewall": "net", "router": "net", "password": "acc", "login": "acc",
       "badge": "acc", "token": "acc"}
TEAMS = ["hw", "fin", "net", "acc"]
FILL = "since yesterday please help urgent thanks again the new office my team cannot we still need today hello".split()
DONE = ["works now", "is fine", "was solved", "is ok again"]
OPEN = ["is broken", "does not work", "keeps failing", "gives an error"]


def ticket():
    """Mentions two or three things; only one of them is still a problem and names the team."""
    objs = random.sample(list(OBJ), random.choice([2, 3, 3]))
    bad = random.randrange(len(objs))
    parts = []
    for i, o in enumerate(objs):
        parts.append(f"{random.choice(FILL)} the {o} {random.choice(OPEN if i == bad else DONE)}".split())
    if random.random() < 0.5:
        parts.append(random.sample(FILL, 2))
    return sum(parts, []), TEAMS.index(OBJ[objs[bad]])


train_set = [ticket() for _ in range(2400)]
val_set = [ticket() for _ in range(500)]
vocab = {"<pad>": 0, "<unk>": 1}
for w, _ in Counter(w for t, _ in train_set for w in t).most_common():
    vocab[w] = len(vocab)


def collate(batch):
    ids = [torch.tensor([vocab.get(w, 1) for w in t]) for t, _ in batch]
    return pad_sequence(ids, batch_first=True), torch.tensor([y for _, y in batch])


class Layer(nn.Module):
    def __init__(self, dim, heads, drop):
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, heads, dropout=drop, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x, pad):
        h = self.n1(x)
        x = x + self.attn(h, h, h, key_padding_mask=pad, need_weights=False)[0]
        return x + self.ff(self.n2(x))


class Router(nn.Module):
    def __init__(self, n_words, dim=48, depth=2, heads=4, drop=0.0, max_len=40):
        super().__init__()
        self.words = nn.Embedding(n_words, dim, padding_idx=0)
        self.pos = nn.Embedding(max_len, dim)
        self.layers = nn.ModuleList([Layer(dim, heads, drop) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(TEAMS))

    def forward(self, ids):
        pad = ids == 0
        x = self.words(ids) + self.pos(torch.arange(ids.size(1)))
        for layer in self.layers:
            x = layer(x, pad)
        x = self.norm(x).masked_fill(pad[..., None], 0).sum(1) / (~pad).sum(1, keepdim=True)
        return self.head(x)


train_loader = DataLoader(train_set, batch_size=48, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val_set, batch_size=250, collate_fn=collate)
model = Router(len(vocab))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    model.train()
    running, seen = 0.0, 0
    for ids, team in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(ids), team)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running += loss.item() * len(team)
        seen += len(team)
    model.eval()
    with torch.no_grad():
        correct = sum((model(ids).argmax(1) == team).sum().item() for ids, team in val_loader)
    print(f"epoch {epoch + 1:2d}  loss {running / seen:.4f}  val acc {correct / len(val_set):.4f}")
