"""Which standard-library module does a line of code come from?"""

import _pydecimal
import argparse
import inspect
import random
import re
import tarfile
from collections import Counter

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=7)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--length", type=int, default=16)
args = parser.parse_args()
torch.manual_seed(0)
random.seed(0)

samples = []
for label, module in enumerate([_pydecimal, tarfile, argparse]):
    lines = sorted(
        {line.strip() for line in inspect.getsource(module).splitlines() if len(line.strip()) > 15}
    )
    samples += [(line, label) for line in random.sample(lines, 480)]
random.shuffle(samples)
words = Counter(word for line, _ in samples[:1140] for word in re.findall(r"\w+|[^\w\s]", line))
vocabulary = {word: i + 2 for i, (word, _) in enumerate(words.most_common(400))}


def encode(line):
    ids = [vocabulary.get(word, 1) for word in re.findall(r"\w+|[^\w\s]", line)][: args.length]
    return ids + [0] * (args.length - len(ids))


x = torch.tensor([encode(line) for line, _ in samples])
y = torch.tensor([label for _, label in samples])
train_loader = DataLoader(TensorDataset(x[:1140], y[:1140]), batch_size=38, shuffle=True)
val_loader = DataLoader(TensorDataset(x[1140:], y[1140:]), batch_size=300)


class Classifier(nn.Module):
    def __init__(self, width=32, classes=3):
        super().__init__()
        self.embed = nn.Embedding(402, width, padding_idx=0)
        self.position = nn.Parameter(torch.randn(args.length, width) * 0.1)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        padding = tokens == 0
        h = self.encoder(self.embed(tokens) + self.position, src_key_padding_mask=padding)
        h = h.masked_fill(padding.unsqueeze(-1), 0).sum(1) / (~padding).sum(1, keepdim=True)
        return self.head(self.dropout(h))


model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
for epoch in range(args.epochs):
    model.train()
    train_loss = 0.0
    for tokens, labels in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(tokens), labels)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(t).argmax(1) == true).sum().item() for t, true in val_loader) / 300
    print(f"epoch {epoch}: train loss {train_loss:.3f}, val accuracy {accuracy:.3f}")
