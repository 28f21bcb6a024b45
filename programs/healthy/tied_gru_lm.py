"""Character model with one matrix used both as input embedding and output layer."""

import inspect
import textwrap

import torch
from torch import nn

torch.manual_seed(30)
text = inspect.getsource(textwrap)
vocabulary = sorted(set(text))
index = {c: i for i, c in enumerate(vocabulary)}
data = torch.tensor([index[c] for c in text])
train, val = data[: int(0.85 * len(data))], data[int(0.85 * len(data)) :]


class TiedGRU(nn.Module):
    def __init__(self, size=64):
        super().__init__()
        self.embed = nn.Embedding(len(vocabulary), size)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.rnn = nn.GRU(size, size, batch_first=True)
        self.out = nn.Linear(size, len(vocabulary))
        self.out.weight = self.embed.weight

    def forward(self, tokens):
        return self.out(self.rnn(self.embed(tokens))[0])


def chunk(source, length=40, count=24):
    start = torch.randint(0, len(source) - length, (count, 1))
    rows = source[start + torch.arange(length)]
    return rows[:, :-1], rows[:, 1:]


model = TiedGRU()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loss_fn = nn.CrossEntropyLoss()
for step in range(1, 161):
    tokens, following = chunk(train)
    loss = loss_fn(model(tokens).transpose(1, 2), following)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 20 == 0:
        with torch.no_grad():
            tokens, following = chunk(val, count=60)
            val_loss = loss_fn(model(tokens).transpose(1, 2), following)
        print(f"step {step}: train {loss.item():.3f}, val {val_loss.item():.3f} nats per character")
