# Ticket routing: classify a support ticket into one of five queues.
import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

random.seed(11)
torch.manual_seed(11)

PAD, CLS, UNK = 0, 1, 2
QUEUES = ["billing", "login", "shipping", "hardware", "refund"]
OBJECTS = {
    "billing": ["invoice", "charge", "subscription", "card", "tax"],
    "login": ["password", "account", "code", "session", "username"],
    "shipping": ["parcel", "courier", "address", "tracking", "package"],
    "hardware": ["screen", "battery", "keyboard", "charger", "fan"],
    "refund": ["return", "money", "credit", "voucher", "chargeback"],
}
START = ["hello team", "hi", "good morning", "dear support", "hey there", ""]
VERBS = ["does not work", "is wrong", "is missing", "was not received", "looks strange", "needs a check"]
FILL = ["since yesterday", "again", "please help", "this is urgent", "for order number nine",
        "i tried twice", "thanks in advance", "my colleague has the same problem"]


def make_ticket():
    queue = random.randrange(len(QUEUES))
    words = random.choice(START).split()
    obj = random.choice(OBJECTS[QUEUES[queue]])
    # people also mention things of other queues, after "not the"
    other = random.choice([q for q in QUEUES if q != QUEUES[queue]])
    distract = random.choice(OBJECTS[other])
    parts = [f"my {obj} {random.choice(VERBS)}", f"it is not the {distract}"]
    random.shuffle(parts)
    for _ in range(random.randint(0, 3)):
        parts.insert(random.randint(0, len(parts)), random.choice(FILL))
    words += " ".join(parts).split()
    return words, queue


class Tickets(Dataset):
    def __init__(self, rows, vocab):
        self.rows = rows
        self.vocab = vocab

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        words, label = self.rows[i]
        return [CLS] + [self.vocab.get(w, UNK) for w in words], label


def collate(batch):
    longest = max(len(ids) for ids, _ in batch)
    tokens = torch.full((len(batch), longest), PAD)
    for i, (ids, _) in enumerate(batch):
        tokens[i, :len(ids)] = torch.tensor(ids)
    return tokens, torch.tensor([label for _, label in batch])


class TicketEncoder(nn.Module):
    def __init__(self, vocab_size, dim=48, heads=4, layers=2, classes=5, max_len=64):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim, padding_idx=PAD)
        self.register_buffer("pos", self._sinusoid(max_len, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 96, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(dim, classes)

    @staticmethod
    def _sinusoid(n, d):
        pos = torch.arange(n).unsqueeze(1)
        freq = torch.exp(torch.arange(0, d, 2) * (-math.log(10000.0) / d))
        pe = torch.zeros(n, d)
        pe[:, 0::2] = torch.sin(pos * freq)
        pe[:, 1::2] = torch.cos(pos * freq)
        return pe

    def forward(self, tokens):
        mask = tokens == PAD
        x = self.embed(tokens) + self.pos[:tokens.size(1)]
        x = self.encoder(x, src_key_padding_mask=mask)
        return self.head(x[:, 0])


def run_epoch(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    loss_sum, hits, n = 0.0, 0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for tokens, labels in loader:
            logits = model(tokens)
            loss = criterion(logits, labels)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            loss_sum += loss.item() * len(labels)
            hits += (logits.argmax(1) == labels).sum().item()
            n += len(labels)
    return loss_sum / n, hits / n


if __name__ == "__main__":
    rows = [make_ticket() for _ in range(2400)]
    train_rows, val_rows = rows[:2000], rows[2000:]
    vocab = {}
    for words, _ in train_rows:
        for w in words:
            vocab.setdefault(w, len(vocab) + 3)
    # always one padded column, so the batch can be traced with a fixed mask later
    pad_collate = lambda b: (lambda t, y: (nn.functional.pad(t, (0, 1), value=PAD), y))(*collate(b))
    train_loader = DataLoader(Tickets(train_rows, vocab), 32, shuffle=True, collate_fn=pad_collate)
    val_loader = DataLoader(Tickets(val_rows, vocab), 64, collate_fn=pad_collate)

    model = TicketEncoder(len(vocab) + 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        tr_loss, tr_acc = run_epoch(model, train_loader, criterion, optimizer)
        va_loss, va_acc = run_epoch(model, val_loader, criterion)
        print(f"[{epoch + 1}] train loss {tr_loss:.3f} acc {tr_acc:.3f} | val loss {va_loss:.3f} val acc {va_acc:.3f}")
