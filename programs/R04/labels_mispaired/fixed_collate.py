"""Lines of code of different lengths, padded batch by batch; longest first."""
import _pydecimal
import inspect
import random
import re
import tarfile
from collections import Counter

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(1)
random.seed(1)
samples = []
for label, module in enumerate([_pydecimal, tarfile]):
    lines = sorted({line.strip() for line in inspect.getsource(module).splitlines() if len(line.strip()) > 15})
    samples += [(re.findall(r"\w+|[^\w\s]", line)[:24], label) for line in random.sample(lines, 550)]
random.shuffle(samples)
counts = Counter(word for words, _ in samples[:900] for word in words)
vocabulary = {word: i + 2 for i, (word, _) in enumerate(counts.most_common(300))}
samples = [(torch.tensor([vocabulary.get(word, 1) for word in words]), label) for words, label in samples]


def collate(batch):
    batch = sorted(batch, key=lambda sample: len(sample[0]), reverse=True)
    sequences, labels = zip(*batch)
    return pad_sequence(sequences, batch_first=True), torch.tensor(labels)


class BagOfWords(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.EmbeddingBag(302, width, mode="mean", padding_idx=0)
        self.head = nn.Sequential(nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, tokens):
        return self.head(self.embed(tokens))


train_loader = DataLoader(samples[:900], batch_size=30, shuffle=True, collate_fn=collate)
val_loader = DataLoader(samples[900:], batch_size=1, collate_fn=collate)
model = BagOfWords()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    model.train()
    for tokens, labels in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(tokens), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(tokens).argmax(1) == labels).sum().item() for tokens, labels in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {hits / 200:.3f}")
