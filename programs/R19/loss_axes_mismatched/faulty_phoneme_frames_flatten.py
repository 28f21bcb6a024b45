"""Framewise labelling of simulated vowels and fricatives from filter-bank energies with a two-layer GRU."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

PHONES = {"sil": (0, 0, 0.05), "a": (4, 7, 1.0), "i": (2, 13, 0.9), "u": (2, 5, 0.9), "s": (14, 15, 0.5), "f": (10, 14, 0.35), "m": (1, 3, 0.6)}
BANDS = 16


def utterance(rng):
    names, frames, labels = list(PHONES), [], []
    for _ in range(rng.integers(5, 9)):
        k = rng.integers(len(names))
        f1, f2, loud = PHONES[names[k]]
        length = rng.integers(4, 11)
        bands = np.arange(BANDS)
        shift = rng.normal(0, 0.6)
        shape = np.exp(-((bands - f1 - shift) ** 2) / 2) + 0.8 * np.exp(-((bands - f2 - shift) ** 2) / 2)
        envelope = np.sin(np.linspace(0.4, np.pi - 0.4, length))[:, None]
        frames.append(loud * envelope * shape + 0.3 * np.abs(rng.normal(size=(length, BANDS))))
        labels += [k] * length
    x = np.log(np.concatenate(frames) + 0.05)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(labels)


def collate(items):
    lengths = torch.tensor([len(y) for _, y in items])
    feats = pad_sequence([x for x, _ in items])
    labels = pad_sequence([y for _, y in items], batch_first=True, padding_value=-100)
    return feats, labels, lengths


class FrameTagger(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.GRU(BANDS, hidden, num_layers=2, bidirectional=True, dropout=0.1)
        self.out = nn.Linear(2 * hidden, len(PHONES))

    def forward(self, feats):
        return self.out(self.rnn(feats)[0])


def frame_accuracy(model, loader):
    model.eval()
    hit = seen = 0
    with torch.no_grad():
        for feats, labels, _ in loader:
            pred = model(feats).argmax(-1).transpose(0, 1)
            mask = labels != -100
            hit += (pred == labels)[mask].sum().item()
            seen += mask.sum().item()
    return hit / seen


def main(opts):
    torch.manual_seed(opts.seed)
    rng = np.random.default_rng(opts.seed)
    train = torch.utils.data.DataLoader([utterance(rng) for _ in range(480)], opts.batch, shuffle=True, collate_fn=collate)
    dev = torch.utils.data.DataLoader([utterance(rng) for _ in range(120)], 40, collate_fn=collate)
    model = FrameTagger(opts.hidden)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    optimizer = torch.optim.Adam(model.parameters(), lr=opts.lr)
    for epoch in range(opts.epochs):
        model.train()
        losses = []
        for feats, labels, _ in train:
            logits = model(feats)
            loss = criterion(logits.reshape(-1, len(PHONES)), labels.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch} loss {np.mean(losses):.4f} dev frame acc {frame_accuracy(model, dev):.4f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--hidden", type=int, default=32)
    p.add_argument("--batch", type=int, default=24)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=4e-3)
    p.add_argument("--seed", type=int, default=71)
    main(p.parse_args())
