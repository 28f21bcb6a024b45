"""Sequence to sequence: read a date as people write it, write it as ISO text. Greedy decoding is the test."""
import datetime
import random

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence

PAD, BOS, EOS = 0, 1, 2
FORMATS = ("%d %b %Y", "%b %d, %Y", "%d.%m.%Y", "%A %d %B %Y")
CHARS = sorted(set("0123456789-., ") | set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
INDEX = {char: number + 3 for number, char in enumerate(CHARS)}


def encode(text):
    return torch.tensor([INDEX[char] for char in text] + [EOS])


def make_pairs(count):
    first = datetime.date(1980, 1, 1)
    days = [first + datetime.timedelta(random.randrange(14600)) for _ in range(count)]
    sources = pad_sequence([encode(day.strftime(random.choice(FORMATS))) for day in days], batch_first=True)
    targets = torch.stack([encode(day.isoformat()) for day in days])
    return sources, targets


class Translator(nn.Module):
    def __init__(self, vocabulary, dim=48):
        super().__init__()
        self.source = nn.Embedding(vocabulary, dim, padding_idx=PAD)
        self.target = nn.Embedding(vocabulary, dim)
        self.encoder = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * dim, dim)
        self.decoder = nn.GRU(dim, dim, batch_first=True)
        self.query = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(3 * dim, vocabulary)

    def encode(self, source):
        memory, state = self.encoder(self.source(source))
        return memory, torch.tanh(self.bridge(torch.cat([state[0], state[1]], dim=1)))[None], source == PAD

    def decode(self, tokens, state, memory, padding):
        output, state = self.decoder(self.target(tokens), state)
        scores = self.query(output) @ memory.transpose(1, 2)
        weights = scores.masked_fill(padding[:, None], -1e9).softmax(-1)
        return self.out(torch.cat([output, weights @ memory], dim=-1)), state


@torch.no_grad()
def translate(model, source, steps=11):
    memory, state, padding = model.encode(source)
    token, written = torch.full((len(source), 1), BOS), []
    for _ in range(steps):
        logits, state = model.decode(token, state, memory, padding)
        token = logits.argmax(-1)
        written.append(token)
    return torch.cat(written, dim=1)


random.seed(0)
torch.manual_seed(0)
source, target = make_pairs(2000)
train_source, train_target, test_source, test_target = source[:1800], target[:1800], source[1800:], target[1800:]
model = Translator(len(CHARS) + 3)
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
for epoch in range(4):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(train_source)).split(50):
        wanted = train_target[rows]
        memory, state, padding = model.encode(train_source[rows])
        teacher = torch.cat([torch.full((len(rows), 1), BOS), wanted[:, :-1]], dim=1)
        logits, _ = model.decode(teacher, state, memory, padding)
        loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(rows)
    model.eval()
    written = translate(model, test_source)
    accuracy = (written == test_target).float().mean().item()
    print(f"epoch {epoch} loss {total / len(train_source):.4f} characters right {accuracy:.4f}")
