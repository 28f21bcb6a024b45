"""Named entities in generated sentences with a BiLSTM and a hand-written CRF layer; entity-level F1."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

random.seed(4)
torch.manual_seed(4)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FIRST = "anna ben carla david emma frank grace henry ivy jack kate liam mia noah olga paul".split()
LAST = "brown clark davis evans green hill king lewis moore paris scott taylor london white young jordan".split()
CITIES = [c.split() for c in "paris|london|new york|rome|san diego|oslo|cape town|madrid|jordan|santa fe|tokyo".split("|")]
FIRMS = [c.split() for c in "acme corp|green energy|white star|north sea oil|blue bank|king foods".split("|")]
TEMPLATES = ["P works at O in L", "P moved from L to L last year", "yesterday O hired P", "the office of O is in L",
             "P and P met in L", "shares of O fell after P left", "in L it rained all day", "nobody at O knows P"]
TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


def sentence():
    words, tags = [], []
    for token in random.choice(TEMPLATES).split():
        kind = {"P": "PER", "O": "ORG", "L": "LOC"}.get(token)
        if kind is None:
            words, tags = words + [token], tags + ["O"]
            continue
        phrase = {"PER": lambda: [random.choice(FIRST)] + ([random.choice(LAST)] if random.random() < 0.7 else []),
                  "ORG": lambda: random.choice(FIRMS), "LOC": lambda: random.choice(CITIES)}[kind]()
        words += phrase
        tags += ["B-" + kind] + ["I-" + kind] * (len(phrase) - 1)
    return words, tags


train, test = [sentence() for _ in range(1200)], [sentence() for _ in range(300)]
vocab = {word: i + 2 for i, word in enumerate(sorted({w for words, _ in train for w in words}))}


def collate(batch):
    length = max(len(words) for words, _ in batch)
    tokens, tags = torch.zeros(len(batch), length, dtype=torch.long), torch.zeros(len(batch), length, dtype=torch.long)
    mask = torch.zeros(len(batch), length, dtype=torch.bool)
    for i, (words, labels) in enumerate(batch):
        tokens[i, :len(words)] = torch.tensor([vocab.get(w, 1) for w in words])
        tags[i, :len(words)] = torch.tensor([TAGS.index(t) for t in labels])
        mask[i, :len(words)] = True
    return tokens, tags, mask


class CRF(nn.Module):
    def __init__(self, tags):
        super().__init__()
        self.start, self.end = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.randn(tags, tags) * 0.1)

    def log_likelihood(self, emissions, tags, mask):
        batch = torch.arange(len(tags), device=tags.device)
        score = self.start[tags[:, 0]] + emissions[batch, 0, tags[:, 0]]
        alpha = self.start + emissions[:, 0]
        for t in range(1, tags.shape[1]):
            step = self.transitions[tags[:, t - 1], tags[:, t]] + emissions[batch, t, tags[:, t]]
            score = score + step * mask[:, t]
            new = torch.logsumexp(alpha.unsqueeze(2) + self.transitions, 1) + emissions[:, t]
            alpha = torch.where(mask[:, t, None], new, alpha)
        last = tags[batch, mask.sum(1) - 1]
        return score + self.end[last] - torch.logsumexp(alpha + self.end, 1)

    def decode(self, emissions, mask):
        paths = []
        for emission, n in zip(emissions, mask.sum(1).tolist()):
            score, back = self.start + emission[0], []
            for t in range(1, n):
                best, previous = (score.unsqueeze(1) + self.transitions).max(0)
                score, back = best + emission[t], back + [previous]
            path = [int((score + self.end).argmax())]
            for previous in reversed(back):
                path.append(int(previous[path[-1]]))
            paths.append(path[::-1])
        return paths


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(vocab) + 2, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 32, bidirectional=True, batch_first=True)
        self.dropout, self.hidden2tag, self.crf = nn.Dropout(0.3), nn.Linear(64, len(TAGS)), CRF(len(TAGS))

    def emissions(self, tokens):
        return self.hidden2tag(self.dropout(self.lstm(self.embedding(tokens))[0]))

    def forward(self, tokens, tags, mask):
        return -self.crf.log_likelihood(self.emissions(tokens), tags, mask).mean()


def spans(tags):
    found, start = set(), None
    for i, tag in enumerate(tags + ["O"]):
        if start is not None and not tag.startswith("I-"):
            found.add((start, i, tags[start][2:]))
            start = None
        if tag.startswith("B-"):
            start = i
    return found


model = Tagger().to(device)
loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
for epoch in range(6):
    model.train()
    total = 0.0
    for tokens, tags, mask in loader:
        model.zero_grad()
        loss = model(tokens.to(device), tags.to(device), mask.to(device))
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        tokens, _, mask = collate(test)
        paths = model.crf.decode(model.emissions(tokens.to(device)), mask)
    hits = guessed = real = 0
    for path, (_, tags) in zip(paths, test):
        predicted, truth = spans([TAGS[i] for i in path]), spans(tags)
        hits, guessed, real = hits + len(predicted & truth), guessed + len(predicted), real + len(truth)
    print(f"epoch {epoch + 1}: nll {total / len(loader):.4f} f1 {2 * hits / (guessed + real):.4f}")
