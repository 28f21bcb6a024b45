"""Reversing words: encoder and decoder GRU, teacher forcing that fades out, words that grow longer."""
import random

import torch
import torch.nn as nn

WORDS = [name for name in dir(torch) if name.isalpha() and name.islower() and 3 <= len(name) <= 10]
PAD, BOS, EOS = 0, 1, 2
VOCAB = 3 + 26


def encode(word):
    return [ord(c) - ord("a") + 3 for c in word]


def pad(rows):
    width = max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


class Seq2Seq(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 24, padding_idx=PAD)
        self.encoder = nn.GRU(24, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, hidden)
        self.decoder = nn.GRUCell(24 + 2 * hidden, hidden)
        self.query = nn.Linear(hidden, 2 * hidden)
        self.out = nn.Linear(3 * hidden, VOCAB)

    def forward(self, source, target, teacher_forcing):
        mask = source == PAD
        memory, last = self.encoder(self.embedding(source))
        state = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))
        token = torch.full((len(source),), BOS, device=source.device)
        context = torch.zeros_like(memory[:, 0])
        logits = []
        for t in range(target.size(1)):
            state = self.decoder(torch.cat([self.embedding(token), context], 1), state)
            scores = (memory @ self.query(state)[:, :, None]).squeeze(2).masked_fill(mask, -1e9)
            context = (scores.softmax(1)[:, None] @ memory).squeeze(1)
            logits.append(self.out(torch.cat([state, context], 1)))
            forced = random.random() < teacher_forcing
            token = target[:, t] if forced else logits[-1].argmax(1)
        return torch.stack(logits, 1)


def batch_of(words):
    source = pad([encode(word) for word in words])
    target = pad([encode(word[::-1]) + [EOS] for word in words])
    return source, target


def main():
    random.seed(3)
    torch.manual_seed(3)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    words = WORDS[:]
    random.shuffle(words)
    held_out, train = words[:60], words[60:]
    model = Seq2Seq().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    for stage in range(10):
        limit = min(10, 4 + stage)
        pool = [word for word in train if len(word) <= limit]
        total, steps = 0.0, 30
        model.train()
        for _ in range(steps):
            source, target = batch_of(random.choices(pool, k=40))
            source, target = source.to(device), target.to(device)
            logits = model(source, target, teacher_forcing=max(0.3, 1 - 0.08 * stage))
            loss = criterion(logits.flatten(0, 1), target.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            source, target = batch_of(held_out)
            prediction = model(source.to(device), target.to(device), teacher_forcing=0.0).argmax(2).cpu()
        real = target != PAD
        right = ((prediction == target) | ~real).all(1).float().mean().item()
        letters = (prediction == target)[real].float().mean().item()
        print(f"stage {stage} up to {limit} letters: loss {total / steps:.3f} letters {letters:.4f} whole words {right:.4f}")


if __name__ == "__main__":
    main()
