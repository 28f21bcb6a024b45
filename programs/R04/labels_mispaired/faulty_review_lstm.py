import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

GOOD = "great lovely fantastic tasty friendly clean superb charming quick warm".split()
BAD = "awful dirty slow rude cold bland noisy stale broken terrible".split()
NOUN = "room pizza waiter breakfast bed pool lobby soup coffee view".split()
FILL = "the a was were really quite and we had our very for with on".split()
PAD = 0


def make_review(rng):
    label = rng.randint(0, 1)
    words = []
    for _ in range(rng.randint(2, 7)):
        adj = rng.choice(GOOD if (label == 1) != (rng.random() < 0.12) else BAD)
        words += [rng.choice(FILL), rng.choice(NOUN), rng.choice(FILL), adj]
        words += [rng.choice(FILL) for _ in range(rng.randint(0, 3))]
    return words, label


class Reviews(Dataset):
    def __init__(self, n, vocab, seed):
        rng = random.Random(seed)
        self.items = [make_review(rng) for _ in range(n)]
        self.vocab = vocab

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        words, label = self.items[i]
        return torch.tensor([self.vocab[w] for w in words]), label


def collate(batch):
    seqs = [s for s, _ in batch]
    labels = [y for _, y in batch]
    # longest first, needed by pack_padded_sequence
    seqs.sort(key=len, reverse=True)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True, padding_value=PAD), lengths, torch.tensor(labels)


class SentimentLSTM(nn.Module):
    def __init__(self, n_words, dim=32, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(n_words, dim, padding_idx=PAD)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.emb(x), lengths, batch_first=True)
        _, (h, _) = self.lstm(packed)
        return self.out(torch.cat([h[0], h[1]], dim=1))


def accuracy(model, loader):
    model.eval()
    hit = tot = 0
    with torch.no_grad():
        for x, lengths, y in loader:
            hit += (model(x, lengths).argmax(1) == y).sum().item()
            tot += len(y)
    return hit / tot


def main():
    torch.manual_seed(1)
    vocab = {w: i + 1 for i, w in enumerate(GOOD + BAD + NOUN + FILL)}
    train = DataLoader(Reviews(1500, vocab, 0), batch_size=32, shuffle=True, collate_fn=collate)
    val = DataLoader(Reviews(400, vocab, 1), batch_size=64, collate_fn=collate)
    model = SentimentLSTM(len(vocab) + 1)
    optim = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        running = 0.0
        for x, lengths, y in train:
            optim.zero_grad()
            loss = criterion(model(x, lengths), y)
            loss.backward()
            optim.step()
            running += loss.item()
        print(f"epoch {epoch}: loss {running / len(train):.4f}  val acc {accuracy(model, val):.3f}")
    print(f"final validation accuracy {accuracy(model, val):.3f}")


if __name__ == "__main__":
    main()
