"""Fill in hidden letters (BERT style) of words that are written twice."""

import torch
from torch import nn

torch.manual_seed(9)
letters, length = 12, 8
MASK = letters
words = torch.randint(letters, (2000, length // 2))
sequences = torch.unique(torch.cat([words, words], dim=1), dim=0)
sequences = sequences[torch.randperm(len(sequences))]
train, val = sequences[:-300], sequences[-300:]


def masked_batch(source, count, rate=0.25):
    clean = source[torch.randint(len(source), (count,))]
    hidden = torch.rand(clean.shape) < rate
    return clean.masked_fill(hidden, MASK), clean.masked_fill(~hidden, -100)


class Filler(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(letters + 1, width)
        self.position = nn.Parameter(torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 1, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, letters)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x) + self.position))


model = Filler()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss(ignore_index=-100)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=200)
for iteration in range(1, 201):
    model.train()
    x, y = masked_batch(train, 96)
    loss = criterion(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if iteration % 40 == 0:
        model.eval()
        with torch.no_grad():
            x, y = masked_batch(val, 200)
            logits = model(x)
            val_loss = criterion(logits.flatten(0, 1), y.flatten()).item()
            accuracy = (logits.argmax(-1) == y)[y != -100].float().mean().item()
        print(
            f"step {iteration}: train {loss.item():.3f} val {val_loss:.3f} hidden letters right {accuracy:.3f}"
        )
