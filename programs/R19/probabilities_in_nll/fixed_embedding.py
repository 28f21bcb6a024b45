"""Which standard-library module does this line of code come from?"""
import inspect
import re
import string
import textwrap
from collections import Counter
from difflib import SequenceMatcher

import torch
from torch import nn

torch.manual_seed(0)
sources = [textwrap, string, SequenceMatcher, Counter]
samples = []
for label, source in enumerate(sources):
    for line in inspect.getsource(source).splitlines():
        words = re.findall(r"[A-Za-z]+|[^\sA-Za-z]", line)
        if len(words) >= 5:
            samples.append((words[:20], label))
samples = [samples[i] for i in torch.randperm(len(samples))]
split = int(0.8 * len(samples))
counts = Counter(w for words, _ in samples[:split] for w in words)
vocabulary = {w: i + 2 for i, w in enumerate(w for w, n in counts.items() if n >= 2)}


def encode(words):
    ids = [vocabulary.get(w, 1) for w in words]
    return ids + [0] * (20 - len(ids))


X = torch.tensor([encode(words) for words, _ in samples])
y = torch.tensor([label for _, label in samples])


class BagOfWords(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(len(vocabulary) + 2, 32, padding_idx=0)
        self.classify = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
        self.normalize = nn.LogSoftmax(dim=1)

    def forward(self, ids):
        return self.normalize(self.classify(self.bag(ids)))


model = BagOfWords()
criterion = nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for epoch in range(15):
    for batch in torch.randperm(split).split(32):
        optimizer.zero_grad()
        loss = criterion(model(X[batch]), y[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out = model(X[split:])
        acc = (out.argmax(1) == y[split:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val acc {acc:.3f}")
