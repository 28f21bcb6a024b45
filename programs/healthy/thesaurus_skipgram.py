"""word2vec: skip-gram with negative sampling and sparse embeddings on the prose of the standard library's docstrings."""
import collections
import importlib
import inspect
import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

modules = ["argparse", "ast", "asyncio", "collections", "configparser", "csv", "datetime", "decimal", "difflib", "email.message",
           "fractions", "functools", "heapq", "http.client", "inspect", "io", "ipaddress", "json", "logging", "mailbox", "os",
           "pathlib", "pickle", "random", "shutil", "socket", "sqlite3", "ssl", "statistics", "string", "subprocess", "tarfile",
           "tempfile", "textwrap", "threading", "turtle", "typing", "unittest", "urllib.request", "uuid", "zipfile"]
text = " ".join(inspect.getsource(importlib.import_module(name)) for name in modules)
words = re.findall(r"[a-z]{2,}", text.lower())
counts = collections.Counter(words)
vocabulary = [word for word, count in counts.most_common() if count >= 15]
index = {word: i for i, word in enumerate(vocabulary)}
frequency = np.array([counts[word] for word in vocabulary], dtype=np.float64)
keep = np.minimum(1.0, np.sqrt(2e-4 / (frequency / frequency.sum())))
tokens = np.array([i for i in (index.get(word) for word in words) if i is not None and rng.random() < keep[i]])
print(len(vocabulary), "words,", len(tokens), "tokens")

WINDOW, NEGATIVES, DIM = 3, 5, 50
offsets = [o for o in range(-WINDOW, WINDOW + 1) if o]
pairs = np.concatenate([np.stack([tokens[WINDOW:-WINDOW], tokens[WINDOW + o: len(tokens) - WINDOW + o]], 1) for o in offsets])
pairs = torch.from_numpy(pairs)
noise = torch.tensor(frequency ** 0.75, dtype=torch.float)


class SkipGram(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.center = nn.Embedding(size, dim, sparse=True)
        self.context = nn.Embedding(size, dim, sparse=True)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.context.weight)

    def forward(self, center, context, negative):
        v = self.center(center)
        positive = (v * self.context(context)).sum(1)
        negative = torch.bmm(self.context(negative), v.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(1)).mean()


model = SkipGram(len(vocabulary), DIM).to(device)
optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=2e-3)
for epoch in range(3):
    running, batches = 0.0, 0
    for batch in pairs[torch.randperm(len(pairs))].split(1024):
        negative = torch.multinomial(noise, len(batch) * NEGATIVES, replacement=True).view(-1, NEGATIVES)
        loss = model(batch[:, 0].to(device), batch[:, 1].to(device), negative.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running, batches = running + loss.item(), batches + 1
    print(f"epoch {epoch + 1}: loss {running / batches:.4f}")
vectors = F.normalize(model.center.weight.detach(), dim=1)
for word in ("string", "file", "server", "integer"):
    if word in index:
        near = (vectors @ vectors[index[word]]).topk(5).indices[1:].tolist()
        print(word, "->", ", ".join(vocabulary[i] for i in near))
