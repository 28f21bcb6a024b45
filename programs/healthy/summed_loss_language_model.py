"""Next-word prediction with the loss summed over all words of a batch, plain SGD with a rate made for sums."""
import pydoc_data.topics as topics
import re
from collections import Counter

import torch
from torch import nn

torch.manual_seed(47)
words = re.findall(r"[a-z]+|[.,:]", " ".join(topics.topics[name] for name in sorted(topics.topics)[:30]).lower())
common = [word for word, _ in Counter(words).most_common(299)]
index = {word: number + 1 for number, word in enumerate(common)}
ids = torch.tensor([index.get(word, 0) for word in words])
length = 16
rows = ids[: (len(ids) - 1) // length * length].view(-1, length)
following = ids[1 : rows.numel() + 1].view(-1, length)
order = torch.randperm(len(rows))
rows, following = rows[order], following[order]
cut = int(0.85 * len(rows))


class Model(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embedding = nn.Embedding(300, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, 300)

    def forward(self, x):
        return self.out(self.rnn(self.embedding(x))[0])


model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.002, momentum=0.9)
for epoch in range(4):
    total = 0.0
    for batch in torch.randperm(cut).split(16):
        loss = nn.functional.cross_entropy(model(rows[batch]).flatten(0, 1), following[batch].flatten(), reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 200.0)
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        logits = model(rows[cut:])
        held_out = nn.functional.cross_entropy(logits.flatten(0, 1), following[cut:].flatten()).item()
    print(f"epoch {epoch} loss per batch {total / (cut / 16):.1f} held-out loss per word {held_out:.4f}")
