"""A character model of a module's source code."""
import inspect
import textwrap

import torch
from torch import nn

torch.manual_seed(5)
text = inspect.getsource(textwrap)
alphabet = sorted(set(text))
tokens = torch.tensor([alphabet.index(c) for c in text])
train_tokens, val_tokens = tokens[:-3000], tokens[-3000:]
generator = torch.Generator().manual_seed(42)


def get_batch(source, batch_size=32, context=32):
    start = torch.randint(len(source) - context - 1, (batch_size, 1), generator=generator)
    window = source[start + torch.arange(context + 1)]
    return window[:, :-1], window[:, 1:]


class CharLSTM(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.embed = nn.Embedding(len(alphabet), size)
        self.lstm = nn.LSTM(size, size, batch_first=True)
        self.head = nn.Linear(size, len(alphabet))

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0])


model = CharLSTM()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(1, 161):
    x, y = get_batch(train_tokens)
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        with torch.no_grad():
            x, y = get_batch(val_tokens, batch_size=64)
            val_loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
        print(f"step {step}: train loss {loss.item():.3f}, val loss {val_loss:.3f}")
