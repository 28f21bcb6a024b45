"""Which module does a line of source code come from? Transformer on word ids."""
import _pydecimal
import inspect
import random
import re
import tarfile
from collections import Counter

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
length = 24
samples = []
for label, module in enumerate([_pydecimal, tarfile]):
    lines = sorted({line.strip() for line in inspect.getsource(module).splitlines() if len(line.strip()) > 15})
    samples += [(re.findall(r"\w+|[^\w\s]", line)[:length], label) for line in random.sample(lines, 700)]
random.shuffle(samples)
counts = Counter(word for words, _ in samples[:1150] for word in words)
vocabulary = {word: i + 2 for i, (word, _) in enumerate(counts.most_common(400))}
tokens = torch.tensor([[vocabulary.get(w, 1) for w in words] + [0] * (length - len(words)) for words, _ in samples])
labels = torch.tensor([label for _, label in samples])


class Classifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Embedding(402, width)
        self.position = nn.Embedding(length, width)
        self.encoder = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True)
        self.head = nn.Linear(width, 2)

    def forward(self, tokens):
        h = self.embed(torch.arange(length).expand_as(tokens))
        h = self.encoder(h + self.position(torch.arange(length)))
        return self.head(h.mean(dim=1))


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(1150).split(25):
        loss = nn.functional.cross_entropy(model(tokens[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(tokens[1150:]).argmax(1) == labels[1150:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
