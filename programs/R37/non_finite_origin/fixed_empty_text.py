"""Which module does a line of source code come from? Mean of the word vectors of a padded line."""
import inspect
import re
import json.decoder
import textwrap

import torch
from torch import nn

torch.manual_seed(0)
rows = []
for label, module in enumerate((textwrap, json.decoder)):
    for line in dict.fromkeys(inspect.getsource(module).splitlines()):
        words = re.findall(r"[a-z]{2,}", line.lower())
        if line.strip() and words:
            rows.append((words[:10], label))
rows = [rows[i] for i in torch.randperm(len(rows))]
split = int(0.8 * len(rows))
index = {w: i + 2 for i, w in enumerate(sorted({w for words, _ in rows[:split] for w in words}))}
tokens = torch.zeros(len(rows), 10, dtype=torch.long)
for row, (words, _) in zip(tokens, rows):
    row[:len(words)] = torch.tensor([index.get(w, 1) for w in words])
labels = torch.tensor([label for _, label in rows])


class MeanPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(index) + 2, 24, padding_idx=0)
        self.out = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))

    def forward(self, tokens):
        mask = (tokens > 0).unsqueeze(-1)
        mean = (self.embedding(tokens) * mask).sum(1) / mask.sum(1)
        return self.out(mean)


model = MeanPool()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(12):
    model.train()
    for batch in torch.randperm(split).split(32):
        loss = nn.functional.cross_entropy(model(tokens[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(tokens[split:]).argmax(1) == labels[split:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")
