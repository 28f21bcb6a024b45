"""Word dropout for a bag-of-words classifier of source lines."""
import _pydecimal
import inspect
import random
import re
import tarfile
from collections import Counter

import torch
from torch import nn

torch.manual_seed(2)
random.seed(2)
samples = []
for label, module in enumerate([_pydecimal, tarfile]):
    lines = sorted({line.strip() for line in inspect.getsource(module).splitlines() if len(line.strip()) > 15})
    samples += [(re.findall(r"\w+|[^\w\s]", line)[:20], label) for line in random.sample(lines, 700)]
random.shuffle(samples)
counts = Counter(word for words, _ in samples[:1150] for word in words)
vocabulary = {word: i + 2 for i, (word, _) in enumerate(counts.most_common(400))}
tokens = torch.tensor([[vocabulary.get(w, 1) for w in words] + [0] * (20 - len(words)) for words, _ in samples])
labels = torch.tensor([label for _, label in samples])


def word_dropout(tokens, rate=0.97):
    noise = torch.randint(2, 402, tokens.shape)
    return torch.where(torch.rand(tokens.shape) < rate, noise, tokens)


model = nn.Sequential(nn.EmbeddingBag(402, 32, padding_idx=0), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(1150).split(46):
        loss = nn.functional.cross_entropy(model(word_dropout(tokens[rows])), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(tokens[1150:]).argmax(1) == labels[1150:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
