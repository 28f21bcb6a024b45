"""Next-word model of Python source; the last word of a window is what is asked for at the end."""
import argparse
import inspect
import re

import torch
from torch import nn

torch.manual_seed(0)
words = re.findall(r"[a-z]+|[^a-z\s]", inspect.getsource(argparse).lower())[:9000]
common = sorted(w for w in set(words) if words.count(w) > 12)
ids = torch.tensor([common.index(w) + 1 if w in common else 0 for w in words])
length = 16
train = ids[:7500].unfold(0, length + 1, 8)
val = ids[7500:].unfold(0, length + 1, 3)


class NextWord(nn.Module):
    def __init__(self, size, width=64):
        super().__init__()
        self.embedding = nn.Embedding(size, 32)
        self.lstm = nn.LSTM(32, width, batch_first=True)
        self.out = nn.Linear(width, size)

    def forward(self, tokens):
        return self.out(self.lstm(self.embedding(tokens))[0])


model = NextWord(len(common) + 1)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
for epoch in range(9):
    model.train()
    for batch in train[torch.randperm(len(train))].split(32):
        logits = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        guess = model(val[:, :-1])[:, -1].argmax(1)
    accuracy = (guess == val[:, -1]).float().mean().item()
    print(f"epoch {epoch} train loss {loss.item():.3f} next-word accuracy {accuracy:.3f}")
