import random
from collections import Counter

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

# ---------------------------------------------------------------- data
GOOD = ["great", "excellent", "wonderful", "tasty", "friendly", "perfect", "lovely", "fast", "superb", "delicious"]
BAD = ["awful", "terrible", "slow", "rude", "cold", "bland", "dirty", "overpriced", "horrible", "stale"]
THING = ["food", "service", "pizza", "waiter", "soup", "coffee", "place", "dessert", "menu", "staff"]
TAIL = ["we went on friday", "with my family", "near the station", "for lunch", "on a rainy evening",
        "first visit here", "ordered for two", "parking was easy", "table by the window"]


def write_review(rng):
    label = rng.randint(0, 1)
    pos, neg = (GOOD, BAD) if label else (BAD, GOOD)
    sents = []
    for _ in range(rng.randint(2, 3)):
        sents.append(f"the {rng.choice(THING)} was {rng.choice(['', 'really', 'so'])} {rng.choice(pos)}")
    if rng.random() < 0.4:
        sents.append(f"only the {rng.choice(THING)} was {rng.choice(neg)}")
    if rng.random() < 0.7:
        sents.append(rng.choice(TAIL))
    rng.shuffle(sents)
    return " and ".join(sents), label


def tokenize(text):
    return text.lower().split()


def build_vocab(texts, min_freq=2):
    counter = Counter(tok for t in texts for tok in tokenize(t))
    vocab = {"<pad>": 0, "<unk>": 1}
    for tok, freq in counter.most_common():
        if freq >= min_freq:
            vocab[tok] = len(vocab)
    return vocab


class ReviewDataset(Dataset):
    def __init__(self, reviews, vocab=None):
        self.reviews = reviews
        self.vocab = vocab or build_vocab([text for text, _ in reviews])

    def __len__(self):
        return len(self.reviews)

    def __getitem__(self, idx):
        text, label = self.reviews[idx]
        ids = [self.vocab.get(tok, 1) for tok in tokenize(text)]
        return torch.tensor(ids), torch.tensor(float(label))


def collate_fn(batch):
    seqs, labels = zip(*batch)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True), lengths, torch.stack(labels)


# ---------------------------------------------------------------- model
class SentimentLSTM(nn.Module):
    def __init__(self, vocab_size, embed_dim=32, hidden_dim=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.fc = nn.Linear(2 * hidden_dim, 1)

    def forward(self, text, lengths):
        emb = self.dropout(self.embedding(text))
        packed = pack_padded_sequence(emb, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.fc(self.dropout(torch.cat([h[0], h[1]], dim=1))).squeeze(1)


# ---------------------------------------------------------------- training
def train(model, iterator, optimizer, criterion):
    model.train()
    epoch_loss, epoch_acc = 0, 0
    for text, lengths, labels in iterator:
        optimizer.zero_grad()
        out = model(text, lengths)
        loss = criterion(out, labels)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(labels)
        epoch_acc += ((out > 0).float() == labels).sum().item()
    n = len(iterator.dataset)
    return epoch_loss / n, epoch_acc / n


def evaluate(model, iterator, criterion):
    model.eval()
    epoch_loss, epoch_acc = 0, 0
    with torch.no_grad():
        for text, lengths, labels in iterator:
            out = model(text, lengths)
            epoch_loss += criterion(out, labels).item() * len(labels)
            epoch_acc += ((out > 0).float() == labels).sum().item()
    n = len(iterator.dataset)
    return epoch_loss / n, epoch_acc / n


def main():
    torch.manual_seed(1234)
    rng = random.Random(1234)
    reviews = [write_review(rng) for _ in range(1600)]
    train_data = ReviewDataset(reviews[:1200])
    valid_data = ReviewDataset(reviews[1200:], vocab=train_data.vocab)
    train_iter = DataLoader(train_data, batch_size=32, shuffle=True, collate_fn=collate_fn)
    valid_iter = DataLoader(valid_data, batch_size=64, collate_fn=collate_fn)
    vocab_size = len(train_data.vocab)
    print("vocab size:", vocab_size)

    model = SentimentLSTM(vocab_size)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        tl, ta = train(model, train_iter, optimizer, criterion)
        vl, va = evaluate(model, valid_iter, criterion)
        print(f"Epoch {epoch + 1:02}: Train Loss: {tl:.3f} | Train Acc: {ta:.3f} | Val Loss: {vl:.3f} | Val Acc: {va:.3f}")


if __name__ == "__main__":
    main()
