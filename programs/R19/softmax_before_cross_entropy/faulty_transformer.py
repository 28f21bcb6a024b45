import inspect
import json.decoder
import textwrap

import torch
from torch import nn

torch.manual_seed(0)

text = inspect.getsource(textwrap) + inspect.getsource(json.decoder)
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
split = int(0.9 * len(data))
train_data, val_data = data[:split], data[split:]
block, width = 32, 48


def get_batch(source, batch_size):
    start = torch.randint(len(source) - block - 1, (batch_size,))
    x = torch.stack([source[i : i + block] for i in start])
    y = torch.stack([source[i + 1 : i + block + 1] for i in start])
    return x, y


class CharTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(len(chars), width)
        self.position = nn.Embedding(block, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(chars))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(block))

    def forward(self, x, targets):
        h = self.token(x) + self.position(torch.arange(block))
        h = self.norm(self.blocks(h, mask=self.mask, is_causal=True))
        logits = self.head(h).softmax(-1)
        loss = nn.functional.cross_entropy(logits.view(-1, len(chars)), targets.view(-1))
        return logits, loss


model = CharTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

for step in range(301):
    x, y = get_batch(train_data, 24)
    _, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        model.eval()
        with torch.no_grad():
            x, y = get_batch(val_data, 64)
            logits, val_loss = model(x, y)
            accuracy = (logits.argmax(-1) == y).float().mean()
        model.train()
        print(f"step {step}: train loss {loss:.3f}, val loss {val_loss:.3f}, accuracy {accuracy:.3f}")
