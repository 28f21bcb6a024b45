"""Tag every character of a source line: is it inside a string literal, an identifier, a number, or else?"""

import inspect
import io
import random
import textwrap
import tokenize

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(4)
random.seed(4)
source = inspect.getsource(textwrap) + inspect.getsource(io) + inspect.getsource(tokenize)
lines = source.splitlines()
tags = [[0] * len(line) for line in lines]
kinds = {tokenize.STRING: 1, tokenize.NAME: 2, tokenize.NUMBER: 3}
for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
    if token.type in kinds and token.start[0] == token.end[0]:
        for column in range(token.start[1], token.end[1]):
            tags[token.start[0] - 1][column] = kinds[token.type]
unique = {
    line.strip(): tag[len(line) - len(line.lstrip()) :]
    for line, tag in zip(lines, tags)
    if len(line.strip()) > 8
}
samples = [
    (torch.tensor([min(ord(c), 127) for c in line[:40]]), torch.tensor(tag[: len(line)][:40]))
    for line, tag in unique.items()
]
random.shuffle(samples)
samples = samples[:640]


def collate(batch):
    lengths = torch.tensor([len(x) for x, _ in batch])
    x = pad_sequence([x for x, _ in batch], batch_first=True)
    y = pad_sequence([y for _, y in batch], batch_first=True, padding_value=-100)
    return x, y, lengths


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(128, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, 4)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embed(x), lengths, batch_first=True, enforce_sorted=False)
        return self.out(pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0])


train_loader = DataLoader(samples[:520], batch_size=26, shuffle=True, collate_fn=collate)
val_loader = DataLoader(samples[520:], batch_size=120, collate_fn=collate)
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    model.train()
    for x, y, lengths in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x, lengths).flatten(0, 1), y.flatten(), ignore_index=-100)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for x, y, lengths in val_loader:
            known = y != -100
            accuracy = (model(x, lengths).argmax(-1) == y)[known].float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy per character {accuracy:.3f}")
