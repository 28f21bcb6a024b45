"""A small character transformer trained on Python source."""
import inspect
import textwrap

import torch
from torch import nn

torch.manual_seed(0)
text = inspect.getsource(textwrap)[:16000]
vocabulary = sorted(set(text))
ids = torch.tensor([vocabulary.index(c) for c in text])
train_ids, val_ids = ids[:13000], ids[13000:]
context = 24


class CharTransformer(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.token = nn.Embedding(len(vocabulary), width)
        self.position = nn.Embedding(context, width)
        layer = nn.TransformerEncoderLayer(width, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, len(vocabulary))

    def forward(self, tokens):
        length = tokens.shape[1]
        hidden = self.token(tokens) + self.position(torch.arange(length))
        hidden = self.blocks(hidden)
        return self.head(hidden)


model = CharTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(1, 321):
    start = torch.randint(len(train_ids) - context - 1, (32,))
    chunk = torch.stack([train_ids[s:s + context + 1] for s in start])
    logits = model(chunk[:, :-1])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), chunk[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 80 == 0:
        model.eval()
        with torch.no_grad():
            windows = val_ids.unfold(0, context + 1, 5)
            guess = model(windows[:, :-1])[:, -1].argmax(-1)
        model.train()
        accuracy = (guess == windows[:, -1]).float().mean().item()
        print(f"step {step} train loss {loss.item():.3f} next-character accuracy {accuracy:.3f}")
