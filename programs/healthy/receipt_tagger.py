import random
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(77)
np.random.seed(77)
torch.manual_seed(77)

TAGS = ['O', 'ITEM', 'PRICE', 'TOTAL', 'DATE']
ITEMS = ['bread', 'milk', 'tea', 'apples', 'rice', 'soap']


def receipt():
    words, tags = [], []
    if random.random() < 0.7:
        words += ['on', random.choice(['monday', 'friday', 'sunday'])]
        tags += ['O', 'DATE']
    for _ in range(random.randint(1, 3)):
        words += [random.choice(ITEMS), random.choice(['3', '5', '7', '12'])]
        tags += ['ITEM', 'PRICE']
    words += [random.choice(['total', 'sum']), random.choice(['12', '5', '7', '20'])]
    tags += ['O', 'TOTAL']
    if random.random() < 0.5:
        words += ['thank', 'you']
        tags += ['O', 'O']
    return words, [TAGS.index(t) for t in tags]


docs = [receipt() for _ in range(1500)]
vocab = {w: i + 1 for i, w in enumerate(sorted({w for ws, _ in docs for w in ws}))}
MAXLEN = 12
tokens = torch.zeros(len(docs), MAXLEN, dtype=torch.long)
labels = torch.full((len(docs), MAXLEN), -100)
for i, (ws, ts) in enumerate(docs):
    tokens[i, :len(ws)] = torch.tensor([vocab[w] for w in ws])
    labels[i, :len(ts)] = torch.tensor(ts)
train, valid = slice(0, 1200), slice(1200, 1500)


class Encoder(nn.Module):
    def __init__(self, d=32, dropout=0.2):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 1, d, padding_idx=0)
        self.position = nn.Parameter(0.1 * torch.randn(MAXLEN, d))
        self.attention = nn.MultiheadAttention(d, 4, batch_first=True)
        self.norm = nn.LayerNorm(d)
        self.linear = nn.Linear(d, d)
        self.dropout = dropout

    def forward(self, x):
        pad = x == 0
        h = self.embedding(x) + self.position
        a, _ = self.attention(h, h, h, key_padding_mask=pad, need_weights=False)
        h = self.norm(h + F.dropout(a, self.dropout, training=self.training))
        h = torch.relu(self.linear(h)) + h
        return F.dropout(h, p=self.dropout, training=self.training)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.Linear(32, len(TAGS))

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


def validate():
    model.eval()
    with torch.no_grad():
        out = model(tokens[valid])
    y = labels[valid]
    keep = y != -100
    loss = F.cross_entropy(out.transpose(1, 2), y, ignore_index=-100).item()
    return loss, (out.argmax(-1)[keep] == y[keep]).float().mean().item()


for epoch in range(10):
    model.train()
    total = []
    for idx in torch.randperm(1200).split(40):
        out = model(tokens[idx])
        loss = F.cross_entropy(out.transpose(1, 2), labels[idx], ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total.append(loss.item())
    val_loss, acc = validate()
    print(f'epoch {epoch + 1}: loss {np.mean(total):.4f} val_loss {val_loss:.4f} val_token_acc {acc:.4f}')

print(f'final validation token accuracy: {acc:.3f}')
