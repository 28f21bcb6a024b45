import inspect
import math
import string

import torch
from torch import nn

torch.manual_seed(0)

text = inspect.getsource(string)
alphabet = sorted(set(text[:9000]))
index = {c: i + 1 for i, c in enumerate(alphabet)}
codes = torch.tensor([index.get(c, 0) for c in text])
train, val = codes[:9000], codes[9000:]
context = 12


def windows(source):
    chunks = source.unfold(0, context + 1, 1)
    return chunks[:, :-1], chunks[:, -1]


class NextCharacter(nn.Module):
    def __init__(self, symbols, outputs):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 16)
        self.hidden = nn.Linear(16 * context, 96)
        self.output = nn.Linear(96, outputs)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(self.embedding(x).flatten(1))))


X, y = windows(train)
X_val, y_val = windows(val)
model = NextCharacter(len(alphabet) + 1, len(alphabet))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
for epoch in range(4):
    total = 0.0
    batches = torch.randperm(len(X)).split(64)
    for batch in batches:
        loss = nn.functional.cross_entropy(model(X[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(X_val), y_val).item()
    print(f"epoch {epoch}: loss {total / len(batches):.3f}, val perplexity {math.exp(val_loss):.2f}")
