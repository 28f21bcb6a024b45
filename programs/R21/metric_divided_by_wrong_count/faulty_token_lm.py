"""Word-piece language model; perplexity from the summed loss per token."""
import inspect
import json.encoder
import re
import textwrap

import torch
from torch import nn

torch.manual_seed(0)
source = inspect.getsource(textwrap) + inspect.getsource(json.encoder)
words = re.findall(r"[a-z]+|[^a-z\s]", source.lower())
common = {w for w in words if words.count(w) > 5}
words = [w if w in common else "?" for w in words]
vocabulary = {w: i for i, w in enumerate(sorted(set(words)))}
ids = torch.tensor([vocabulary[w] for w in words])
chunks = ids[:len(ids) // 17 * 17].view(-1, 17)
chunks = chunks[torch.randperm(len(chunks))]
train, val = chunks[:-60], chunks[-60:]


class Lm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding = nn.Embedding(size, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.out = nn.Linear(64, size)

    def forward(self, tokens):
        return self.out(self.lstm(self.embedding(tokens))[0])


model = Lm(len(vocabulary))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    model.train()
    for batch in train[torch.randperm(len(train))].split(20):
        logits = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in val.split(20):
            targets = batch[:, 1:]
            logits = model(batch[:, :-1])
            total += nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
            count += len(targets)
    perplexity = torch.tensor(total / count).exp().item()
    print(f"epoch {epoch} train loss {loss.item():.3f} perplexity {perplexity:.2f}")
