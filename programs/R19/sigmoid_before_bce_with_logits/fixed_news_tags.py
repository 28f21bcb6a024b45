"""Multi-label tagging of short news items (16 tags, one to three per item) with a bag of embeddings."""
import random

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader

TAGS = ["sport", "politics", "health", "economy", "weather", "science", "traffic", "crime", "culture", "film",
        "music", "tech", "energy", "travel", "school", "food"]
WORDS_PER_TAG, COMMON = 22, 120


class NewsGenerator:
    """Every tag has its own words, neighbours share some of them; most of the text is common language."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.tag_words = [[f"{t}_{i}" for i in range(WORDS_PER_TAG)] for t in TAGS]
        for k in range(len(TAGS)):
            self.tag_words[k] += self.tag_words[(k + 1) % len(TAGS)][:6]
        self.common = [f"w{i}" for i in range(COMMON)]

    def item(self):
        r = self.rng
        tags = r.sample(range(len(TAGS)), r.choice([1, 1, 2, 2, 3]))
        words = [r.choice(self.common) for _ in range(r.randint(8, 18))]
        for t in tags:
            words += [r.choice(self.tag_words[t]) for _ in range(r.randint(2, 5))]
        r.shuffle(words)
        return words, tags


class Vectorizer:
    def __init__(self, items):
        vocab = sorted({w for ws, _ in items for w in ws})
        self.index = {w: i + 1 for i, w in enumerate(vocab)}

    def __len__(self):
        return len(self.index) + 1

    def __call__(self, batch):
        ids, offsets = [], []
        target = torch.zeros(len(batch), len(TAGS))
        for row, (words, tags) in enumerate(batch):
            offsets.append(len(ids))
            ids += [self.index.get(w, 0) for w in words]
            target[row, tags] = 1.0
        return torch.tensor(ids), torch.tensor(offsets), target


class TagModel(nn.Module):
    def __init__(self, n_words, dim=64, hidden=96):
        super().__init__()
        self.bag = nn.EmbeddingBag(n_words, dim, mode="mean")
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden, len(TAGS)),
        )

    def forward(self, ids, offsets):
        return self.mlp(self.bag(ids, offsets))


def evaluate(model, loader):
    model.eval()
    probs, truth = [], []
    with torch.no_grad():
        for ids, offsets, target in loader:
            probs.append(torch.sigmoid(model(ids, offsets)))
            truth.append(target)
    probs, truth = torch.cat(probs).numpy(), torch.cat(truth).numpy()
    pred = probs > 0.5
    return f1_score(truth, pred, average="micro", zero_division=0), f1_score(truth, pred, average="macro", zero_division=0)


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    gen = NewsGenerator(seed=17)
    train_items = [gen.item() for _ in range(3000)]
    val_items = [gen.item() for _ in range(800)]
    vec = Vectorizer(train_items)
    train = DataLoader(train_items, batch_size=32, shuffle=True, collate_fn=vec)
    val = DataLoader(val_items, batch_size=200, collate_fn=vec)

    model = TagModel(len(vec))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.4)
    for epoch in range(12):
        model.train()
        losses = []
        for ids, offsets, target in train:
            optimizer.zero_grad()
            loss = criterion(model(ids, offsets), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        micro, macro = evaluate(model, val)
        print(f"epoch {epoch + 1:2d} loss {np.mean(losses):.4f} val micro-F1 {micro:.4f} macro-F1 {macro:.4f}")


if __name__ == "__main__":
    main()
