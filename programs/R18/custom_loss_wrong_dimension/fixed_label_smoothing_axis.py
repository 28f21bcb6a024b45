"""Which language? Character trigrams hashed into an EmbeddingBag; words come from documentation strings and two made-up dialects."""
import inspect
import random
import statistics
import string

import torch
import torch.nn as nn


class SmoothedCrossEntropy(nn.Module):
    def __init__(self, smoothing=0.1, reduction="mean"):
        super().__init__()
        self.smoothing, self.reduction = smoothing, reduction

    def forward(self, logits, target):
        log_probs = torch.log_softmax(logits, dim=1)
        nll = -log_probs.gather(1, target.unsqueeze(1)).squeeze(1)
        loss = (1 - self.smoothing) * nll - self.smoothing * log_probs.mean(dim=1)
        return loss.mean() if self.reduction == "mean" else loss.sum()


def english_words():
    text = " ".join(filter(None, (inspect.getdoc(m) for m in (random, statistics, string, inspect, torch.nn.Linear, torch.nn.LSTM))))
    for module in (random, statistics, inspect, string):
        for _, member in inspect.getmembers(module):
            text += " " + (inspect.getdoc(member) or "")
    words = {w for w in "".join(c if c.isalpha() else " " for c in text).lower().split() if 5 <= len(w) <= 12 and w.isascii()}
    return sorted(words)


def dialects(words, rng):
    """0 as it is; 1 vowels are rotated; 2 syllable-final consonants are doubled; 3 words are read backwards; 4 clusters get a glide."""
    turn = str.maketrans("aeiou", "eioua")
    makers = [
        lambda w: w,
        lambda w: w.translate(turn),
        lambda w: "".join(c + c if c not in "aeiou" and i % 3 == 2 else c for i, c in enumerate(w)),
        lambda w: w[::-1],
        lambda w: "".join(c + "y" if c in "tdnrs" and rng.random() < 0.5 else c for c in w),
    ]
    return [(make(w), k) for w in words for k, make in enumerate(makers)]


def trigrams(word, buckets=4096):
    padded = f"^{word}$"
    codes = []
    for size in (2, 3):
        for i in range(len(padded) - size + 1):
            h = 0
            for c in padded[i : i + size]:
                h = (h * 131 + ord(c)) % 1000003
            codes.append(h % buckets)
    return codes


def collate(batch):
    flat, offsets = [], []
    for word, _ in batch:
        offsets.append(len(flat))
        flat += trigrams(word)
    return torch.tensor(flat), torch.tensor(offsets), torch.tensor([k for _, k in batch])


class WordModel(nn.Module):
    def __init__(self, buckets=4096, dim=24, classes=5):
        super().__init__()
        self.bag = nn.EmbeddingBag(buckets, dim, mode="sum")
        self.fc = nn.Sequential(nn.Linear(dim, 48), nn.ReLU(), nn.Linear(48, classes))

    def forward(self, flat, offsets):
        return self.fc(self.bag(flat, offsets))


if __name__ == "__main__":
    rng = random.Random(13)
    torch.manual_seed(13)
    words = english_words()
    rng.shuffle(words)
    cut = int(0.8 * len(words))
    train, test = dialects(words[:cut], rng), dialects(words[cut:], rng)
    model, criterion = WordModel(), SmoothedCrossEntropy()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 9):
        rng.shuffle(train)
        model.train()
        total = 0.0
        for i in range(0, len(train), 20):
            flat, offsets, target = collate(train[i : i + 20])
            loss = criterion(model(flat, offsets), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(target)
        model.eval()
        with torch.no_grad():
            flat, offsets, target = collate(test)
            accuracy = (model(flat, offsets).argmax(1) == target).float().mean().item()
        print(f"epoch {epoch}: loss = {total / len(train):.4f}, test accuracy = {accuracy:.4f}")
