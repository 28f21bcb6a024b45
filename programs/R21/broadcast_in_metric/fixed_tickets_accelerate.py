import random

import torch
import torch.nn as nn
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

URGENT = ["server down", "cannot log in", "payment failed", "data lost", "site offline", "error 500"]
NORMAL = ["change my address", "invoice copy", "new mouse", "holiday request", "update phone number", "add a user"]
OPENERS = ["hello", "hi team", "dear support", "good morning", "hey"]
EXTRAS = ["please help", "since this morning", "thanks", "as soon as possible", "for our office", "again", "it was fine before"]


def make_ticket(rng):
    y = int(rng.random() < 0.5)
    parts = [rng.choice(OPENERS), rng.choice(URGENT if y else NORMAL)]
    if rng.random() < 0.3:
        parts.append("also " + rng.choice(URGENT + NORMAL))
    parts += rng.sample(EXTRAS, rng.randint(0, 3))
    return " ".join(parts), y


class Tickets(Dataset):
    def __init__(self, n, seed, vocab=None):
        rng = random.Random(seed)
        self.rows = [make_ticket(rng) for _ in range(n)]
        words = sorted({w for t, _ in self.rows for w in t.split()})
        self.vocab = vocab or {w: i + 1 for i, w in enumerate(words)}

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, y = self.rows[i]
        ids = [self.vocab.get(w, 0) for w in text.split()][:20]
        ids += [0] * (20 - len(ids))
        return torch.tensor(ids), torch.tensor(y, dtype=torch.float32)


class TicketNet(nn.Module):
    def __init__(self, n_words, dim=32):
        super().__init__()
        self.emb = nn.Embedding(n_words, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, 48, 3, padding=1)
        self.out = nn.Linear(48, 1)

    def forward(self, ids):
        h = torch.relu(self.conv(self.emb(ids).transpose(1, 2)))
        return self.out(h.amax(dim=2))


def evaluate(model, loader):
    model.eval()
    acc = []
    with torch.no_grad():
        for ids, y in loader:
            prob = torch.sigmoid(model(ids))
            acc.append(((prob.squeeze(1) > 0.5) == (y > 0.5)).float().mean().item())
    return sum(acc) / len(acc)


def main():
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    train_ds = Tickets(2000, seed=0)
    val_ds = Tickets(500, seed=1, vocab=train_ds.vocab)
    model = TicketNet(len(train_ds.vocab) + 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    train_dl = DataLoader(train_ds, batch_size=20, shuffle=True)
    val_dl = DataLoader(val_ds, batch_size=100)
    model, optimizer, train_dl, val_dl = accelerator.prepare(model, optimizer, train_dl, val_dl)
    criterion = nn.BCEWithLogitsLoss()

    for epoch in range(5):
        model.train()
        total = 0.0
        for ids, y in train_dl:
            with accelerator.accumulate(model):
                loss = criterion(model(ids).squeeze(1), y)
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            total += loss.item()
        accelerator.print(f"epoch {epoch + 1}: loss {total / len(train_dl):.4f} val acc {evaluate(model, val_dl):.3f}")

    accelerator.print(f"validation accuracy {evaluate(model, val_dl):.3f}")


if __name__ == "__main__":
    main()
