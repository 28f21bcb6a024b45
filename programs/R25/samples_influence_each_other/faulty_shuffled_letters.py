"""Tell real words of Python's help texts from words whose inner letters were shuffled."""
import pydoc_data.topics as topics
import random
import re

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

random.seed(8)
torch.manual_seed(8)


class WordModel(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.hidden = hidden
        self.embedding = nn.Embedding(27, 24, padding_idx=0)
        self.encoder = nn.GRU(24, hidden, bidirectional=True, batch_first=True)
        self.output = nn.Sequential(nn.Linear(2 * hidden, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, words):
        _, final = self.encoder(self.embedding(words))
        final = final.reshape(-1, 2 * self.hidden)
        return self.output(final).squeeze(1)


def encode(word):
    return torch.tensor([ord(letter) - 96 for letter in word])


def shuffled(word):
    inner = list(word[1:-1])
    while "".join(inner) == word[1:-1]:
        random.shuffle(inner)
    return word[0] + "".join(inner) + word[-1]


found = sorted(set(re.findall(r"\b[a-z]{6,11}\b", " ".join(topics.topics.values()))))
words = [word for word in found if len(set(word[1:-1])) > 2]
random.shuffle(words)
pairs = [(word, 1.0) for word in words] + [(shuffled(word), 0.0) for word in words]
held_out = set(words[:300])
train = [pair for number, pair in enumerate(pairs) if words[number % len(words)] not in held_out]
test = [pair for number, pair in enumerate(pairs) if words[number % len(words)] in held_out]
x = pad_sequence([encode(word) for word, _ in train], batch_first=True)
y = torch.tensor([label for _, label in train])
x_test = pad_sequence([encode(word) for word, _ in test], batch_first=True)
y_test = torch.tensor([label for _, label in test])
print(len(train), "training words", len(test), "test words")

model = WordModel()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(8):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    model.eval()
    with torch.no_grad():
        accuracy = ((model(x_test) > 0) == (y_test > 0.5)).float().mean().item()
    print(f"epoch {epoch} loss {total / len(x):.4f} test accuracy {accuracy:.4f}")
