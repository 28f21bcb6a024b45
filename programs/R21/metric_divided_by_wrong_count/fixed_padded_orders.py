"""Named parts in short orders: a bidirectional GRU tags every token; the lists are padded to one length."""
import random

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

random.seed(4)
torch.manual_seed(4)
COUNTS = "one two three four five six".split()
UNITS = "kilo litre box bag dozen".split()
GOODS = "rice milk apples flour sugar oil salt beans".split()
FILLERS = "please send me to the kitchen by noon tomorrow and also we need for our friend".split()
WORDS = {word: number + 1 for number, word in enumerate(COUNTS + UNITS + GOODS + FILLERS)}
TAGS = {"other": 0, "count": 1, "unit": 2, "goods": 3, "wish": 4}


def order():
    words, tags = [], []
    for _ in range(random.choice([1, 1, 1, 1, 5])):
        for _ in range(random.randrange(4)):
            words.append(random.choice(FILLERS))
            tags.append("other")
        words += [random.choice(COUNTS), random.choice(UNITS), random.choice(GOODS)]
        tags += ["count", "unit", random.choice(["goods", "goods", "wish"]) if "need" in words[-4:] else "goods"]
    return torch.tensor([WORDS[word] for word in words]), torch.tensor([TAGS[tag] for tag in tags])


def collate(orders):
    words = pad_sequence([item[0] for item in orders], batch_first=True, padding_value=0)
    tags = pad_sequence([item[1] for item in orders], batch_first=True, padding_value=-100)
    return words, tags


class OrderTagger(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS) + 1, dim, padding_idx=0)
        self.rnn = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * dim, len(TAGS))

    def forward(self, words):
        return self.out(self.rnn(self.embedding(words))[0])


def token_accuracy(model, loader):
    correct = total = 0
    model.eval()
    with torch.no_grad():
        for words, tags in loader:
            predicted = model(words).argmax(-1)
            correct += (predicted == tags).sum().item()
            total += (tags != -100).sum().item()
    return correct / total


train = DataLoader([order() for _ in range(900)], batch_size=30, shuffle=True, collate_fn=collate)
test = DataLoader([order() for _ in range(300)], batch_size=100, collate_fn=collate)
model = OrderTagger()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    model.train()
    for words, tags in train:
        loss = F.cross_entropy(model(words).transpose(1, 2), tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} token accuracy {token_accuracy(model, test):.4f}")
