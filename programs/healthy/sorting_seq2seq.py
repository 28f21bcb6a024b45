"""Encoder and decoder with teacher forcing: sort the letters of a short word."""

import torch
from torch import nn

torch.manual_seed(15)
letters, length, start = 10, 5, 10
words = torch.unique(torch.randint(letters, (3000, length)), dim=0)
words = words[torch.randperm(len(words))]
answers = words.sort(dim=1).values
train, val = slice(0, 2400), slice(2400, None)


class Seq2Seq(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(letters + 1, 16)
        self.encoder = nn.GRU(16, hidden, batch_first=True)
        self.decoder = nn.GRU(16, hidden, batch_first=True)
        self.out = nn.Linear(hidden, letters)

    def forward(self, word, previous):
        _, state = self.encoder(self.embed(word))
        return self.out(self.decoder(self.embed(previous), state)[0])


def shifted(answer):
    return torch.cat([torch.full((len(answer), 1), start), answer[:, :-1]], dim=1)


model = Seq2Seq()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(7):
    model.train()
    for rows in torch.randperm(2400).split(60):
        word, answer = words[train][rows], answers[train][rows]
        loss = nn.functional.cross_entropy(model(word, shifted(answer)).transpose(1, 2), answer)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(words[val], shifted(answers[val]))
        letters_right = (logits.argmax(-1) == answers[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} letters right {letters_right:.3f}")
