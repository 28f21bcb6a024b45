import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

TAGS = ["<pad>", "DET", "ADJ", "NOUN", "VERB", "ADV", "PREP"]
LEX = {
    "DET": ["the", "a", "this", "every"],
    "ADJ": ["old", "green", "quiet", "fast", "light", "cold"],
    "NOUN": ["dog", "boat", "light", "walk", "cook", "garden", "watch", "fish"],
    "VERB": ["light", "walk", "cook", "watch", "fish", "see", "find"],
    "ADV": ["slowly", "often", "fast", "today"],
    "PREP": ["in", "near", "under", "with"],
}
PATTERNS = [
    "DET NOUN VERB DET ADJ NOUN",
    "DET ADJ NOUN VERB ADV",
    "DET NOUN VERB PREP DET NOUN",
    "ADV DET NOUN VERB DET NOUN PREP DET ADJ NOUN",
    "DET ADJ ADJ NOUN VERB DET NOUN ADV",
]


def sentence(rng):
    tags = rng.choice(PATTERNS).split()
    return [rng.choice(LEX[t]) for t in tags], tags


def encode(pairs, vocab):
    xs = [torch.tensor([vocab[w] for w in ws]) for ws, _ in pairs]
    ys = [torch.tensor([TAGS.index(t) for t in ts]) for _, ts in pairs]
    return pad_sequence(xs, batch_first=True), pad_sequence(ys, batch_first=True)


class Tagger(nn.Module):
    def __init__(self, n_words, dim=24, hidden=32):
        super().__init__()
        self.emb = nn.Embedding(n_words, dim, padding_idx=0)
        self.rnn = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(2 * hidden, len(TAGS))

    def forward(self, x):
        h, _ = self.rnn(self.emb(x))
        return self.fc(self.drop(h))


class TaggerTrainer:
    def __init__(self, model, lr=3e-3):
        self.model = model
        self.criterion = nn.CrossEntropyLoss(ignore_index=0)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=0.1)

    def fit(self, X, Y, val, epochs=8, batch_size=32):
        for epoch in range(1, epochs + 1):
            self.model.train()
            order = torch.randperm(len(X))
            losses = []
            for k in order.split(batch_size):
                logits = self.model(X[k])
                loss = self.criterion(logits.transpose(1, 2), Y[k])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                losses.append(loss.item())
            print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}, val {self.score(*val):.3f}")

    @torch.no_grad()
    def score(self, X, Y):
        self.model.eval()
        pred = self.model(X).argmax(-1)
        real = Y != 0
        return (pred[real] == Y[real]).float().mean().item()


def main():
    torch.manual_seed(0)
    rng = random.Random(0)
    vocab = {w: i + 1 for i, w in enumerate(sorted({w for ws in LEX.values() for w in ws}))}
    train = encode([sentence(rng) for _ in range(1200)], vocab)
    val = encode([sentence(rng) for _ in range(300)], vocab)
    trainer = TaggerTrainer(Tagger(len(vocab) + 1))
    trainer.fit(*train, val)
    print(f"tag accuracy {trainer.score(*val):.3f}")


main()
