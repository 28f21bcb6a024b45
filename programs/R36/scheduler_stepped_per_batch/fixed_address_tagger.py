"""Token tagging of free-form postal addresses (street, number, city, zip, name, other) with a BiLSTM."""
import argparse
import random

import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

TAGS = ["O", "NAME", "STREET", "NUM", "ZIP", "CITY"]
SYL = "ba ber bru dor el fel gra ham hil kir lan lin mar mun nor ol pet ros sta tel ul ver wal zen".split()
ENDS = {"STREET": ["strasse", "weg", "allee", "gasse"], "CITY": ["burg", "heim", "stadt", "au"], "NAME": ["mann", "er", "ke", "sen"]}


def word(rng, kind):
    stem = "".join(rng.choice(SYL) for _ in range(rng.choice([1, 2])))
    return stem + (rng.choice(ENDS[kind]) if rng.random() < 0.6 else "")


def address(rng):
    name = [(word(rng, "NAME"), "NAME") for _ in range(rng.choice([1, 2]))]
    street = [(word(rng, "STREET"), "STREET")]
    num = [(str(rng.randint(1, 199)), "NUM")]
    zip_, city = [(str(rng.randint(10, 99999)), "ZIP")], [(word(rng, "CITY"), "CITY")]
    o = lambda s: [(w, "O") for w in s.split()]
    form = rng.randrange(4)
    if form == 0:
        return name + o(",") + street + num + o(",") + zip_ + city
    if form == 1:
        return o("please send to") + name + o("in") + city + o(",") + street + num + o("code") + zip_
    if form == 2:
        return o("c/o") + name + o("at") + num + street + o("-") + city + zip_
    return zip_ + city + o("from") + name + o(";") + num + street


def char_ids(token, n=12):
    ids = [min(ord(c), 127) - 30 for c in token[:n]]
    return ids + [0] * (n - len(ids))


def encode(sample):
    return torch.tensor([char_ids(w) for w, _ in sample]), torch.tensor([TAGS.index(t) for _, t in sample])


def collate(batch):
    xs, ys = zip(*batch)
    return pad_sequence(xs, batch_first=True), pad_sequence(ys, batch_first=True, padding_value=-100)


class Tagger(nn.Module):
    def __init__(self, dim=24, hidden=40):
        super().__init__()
        self.chars = nn.Embedding(100, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, hidden, 3, padding=1)
        self.rnn = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(2 * hidden, len(TAGS))

    def forward(self, x):
        b, t, c = x.shape
        e = self.chars(x.view(b * t, c)).transpose(1, 2)
        w = torch.relu(self.conv(e)).amax(-1).view(b, t, -1)
        return self.out(self.drop(self.rnn(w)[0]))


def evaluate(model, loader):
    model.eval()
    pred, true = [], []
    with torch.no_grad():
        for x, y in loader:
            m = y != -100
            pred += model(x).argmax(-1)[m].tolist()
            true += y[m].tolist()
    return f1_score(true, pred, average="macro")


def main(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    rng = random.Random(args.seed)
    train = DataLoader([encode(address(rng)) for _ in range(1500)], args.batch, shuffle=True, collate_fn=collate)
    val = DataLoader([encode(address(rng)) for _ in range(400)], 100, collate_fn=collate)
    model = Tagger()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    total_steps = len(train) * args.epochs
    warmup_steps = int(0.1 * total_steps)

    def lr_lambda(step):
        if step < warmup_steps:
            return step / max(1, warmup_steps)
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train:
            loss = criterion(model(x).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{args.epochs} loss {total / len(train):.4f} val macro-F1 {evaluate(model, val):.4f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=7)
    ap.add_argument("--batch", type=int, default=24)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--seed", type=int, default=0)
    main(ap.parse_args())
