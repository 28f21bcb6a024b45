"""Which standard-library module does a line of code come from?"""
import inspect
import re
import json.decoder
import textwrap

import torch
from torch import nn

torch.manual_seed(0)
sources = [inspect.getsource(module) for module in (textwrap, json.decoder)]
lines = [(words, label) for label, source in enumerate(sources) for line in source.splitlines()
         if len(words := re.findall(r"[a-z]+", line.lower())) > 2]
texts = list({" ".join(words): (words, label) for words, label in lines}.values())
texts = [texts[i] for i in torch.randperm(len(texts))]
split = int(0.8 * len(texts))
vocabulary = {w: i + 1 for i, w in enumerate(sorted({w for words, _ in texts[:split] for w in words}))}


def encode(rows):
    tokens = torch.zeros(len(rows), 12, dtype=torch.long)
    for row, (words, _) in zip(tokens, rows):
        ids = [vocabulary.get(w, 0) for w in words[:12]]
        row[:len(ids)] = torch.tensor(ids)
    return tokens, torch.tensor([label for _, label in rows])


class TextNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.EmbeddingBag(len(vocabulary) + 1, 32, padding_idx=0)
        self.hidden = nn.Linear(32, 32)
        self.output = nn.Linear(32, 2)
        for layer in (self.embedding, self.hidden, self.output):
            nn.init.zeros_(layer.weight)

    def forward(self, tokens):
        return self.output(torch.relu(self.hidden(self.embedding(tokens))))


x, y = encode(texts[:split])
x_val, y_val = encode(texts[split:])
model = TextNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(16):
    model.train()
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {accuracy:.3f}")
