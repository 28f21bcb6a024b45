"""Character language model on Python source code."""
import inspect
import textwrap

import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR

torch.manual_seed(0)
text = inspect.getsource(textwrap)[:18000]
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])
length = 32
train_ids, val_ids = ids[:15000], ids[15000:]
train_chunks = train_ids.unfold(0, length + 1, 10)
val_chunks = val_ids.unfold(0, length + 1, length)


class CharModel(nn.Module):
    def __init__(self, vocabulary, width=64):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, 24)
        self.rnn = nn.GRU(24, width, batch_first=True)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.out(self.rnn(self.embed(tokens))[0])


def loss_of(model, chunks):
    logits = model(chunks[:, :-1])
    return nn.functional.cross_entropy(logits.flatten(0, 1), chunks[:, 1:].flatten())


model = CharModel(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = ExponentialLR(optimizer, gamma=0.8)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(len(train_chunks)).split(64):
        optimizer.zero_grad()
        loss = loss_of(model, train_chunks[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val_loss = loss_of(model, val_chunks)
    print(f"epoch {epoch} train loss {loss.item():.3f} val perplexity {val_loss.exp().item():.2f}")
