"""Code from two modules, labelled by volunteers."""
import _pydecimal
import inspect
import random
import re
import tarfile
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(3)
random.seed(3)
samples = []
for label, module in enumerate([_pydecimal, tarfile]):
    lines = sorted({line.strip() for line in inspect.getsource(module).splitlines() if len(line.strip()) > 20})
    samples += [(re.findall(r"\w+|[^\w\s]", line)[:20], label) for line in random.sample(lines, 650)]
random.shuffle(samples)
train, val = samples[:1050], samples[1050:]
train = [(words, 1 - label if random.random() < 0.4 else label) for words, label in train]
counts = Counter(word for words, _ in train for word in words)
index = {word: i + 2 for i, (word, _) in enumerate(counts.most_common(400))}


def collate(batch):
    tokens = torch.zeros(len(batch), 20, dtype=torch.long)
    for row, (words, _) in enumerate(batch):
        tokens[row, : len(words)] = torch.tensor([index.get(word, 1) for word in words])
    return tokens, torch.tensor([label for _, label in batch])


train_loader = DataLoader(train, batch_size=35, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val, batch_size=250, collate_fn=collate)
model = nn.Sequential(nn.EmbeddingBag(402, 32, padding_idx=0), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(7):
    model.train()
    for tokens, labels in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(tokens), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(tokens).argmax(1) == labels).float().mean().item() for tokens, labels in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
