"""Encoder-decoder: copy a sequence of symbols backwards."""
import torch
from torch import nn

symbols, length, width = 8, 6, 32


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.gru = nn.GRU(width, width, batch_first=True)

    def forward(self, x):
        return self.gru(self.embedding(x))[1]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(symbols + 1, 16)
        self.gru = nn.GRU(16, width, batch_first=True)
        self.out = nn.Linear(width, symbols)

    def forward(self, previous, state):
        h, _ = self.gru(self.embedding(previous), state)
        return self.out(h)


def batch(n):
    x = torch.randint(symbols, (n, length))
    target = x.flip(1)
    start = torch.full((n, 1), symbols)
    return x, torch.cat([start, target[:, :-1]], dim=1), target


def main():
    torch.manual_seed(0)
    encoder, decoder = Encoder(), Decoder()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(decoder.parameters(), lr=0.015)
    for step in range(1, 501):
        x, previous, target = batch(64)
        logits = decoder(previous, encoder(x))
        loss = criterion(logits.flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            with torch.no_grad():
                x, previous, target = batch(500)
                accuracy = (decoder(previous, encoder(x)).argmax(-1) == target).float().mean().item()
            print(f"step {step}: loss {loss.item():.3f} token accuracy {accuracy:.3f}")


main()
