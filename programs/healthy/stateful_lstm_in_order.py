"""Truncated backpropagation through time: parallel streams of text read in order, the state is carried on."""

import inspect
import textwrap

import torch
from torch import nn

torch.manual_seed(5)
text = inspect.getsource(textwrap)
alphabet = sorted(set(text))
tokens = torch.tensor([alphabet.index(c) for c in text])
train, val = tokens[:-3000], tokens[-3000:]
streams, span = 20, 20


def as_streams(tokens, count):
    length = len(tokens) // count
    return tokens[: length * count].view(count, length)


class CharLSTM(nn.Module):
    def __init__(self, size=64):
        super().__init__()
        self.embed = nn.Embedding(len(alphabet), size)
        self.lstm = nn.LSTM(size, size, batch_first=True)
        self.head = nn.Linear(size, len(alphabet))

    def forward(self, x, state=None):
        out, state = self.lstm(self.embed(x), state)
        return self.head(out).transpose(1, 2), state


model = CharLSTM()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
for epoch in range(6):
    model.train()
    state, data, losses = None, as_streams(train, streams), []
    for start in range(0, data.shape[1] - span - 1, span):
        x, y = data[:, start : start + span], data[:, start + 1 : start + span + 1]
        logits, state = model(x, state)
        state = tuple(s.detach() for s in state)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        data = as_streams(val, 10)
        val_loss = nn.functional.cross_entropy(model(data[:, :-1])[0], data[:, 1:]).item()
    print(f"epoch {epoch}: train {sum(losses) / len(losses):.3f} val {val_loss:.3f}")
