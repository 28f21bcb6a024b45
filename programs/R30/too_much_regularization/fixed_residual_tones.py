"""Which of eight chords? Spectra of three tones each, and a residual network with layer normalization and dropout in every block."""
import torch
from torch import nn

torch.manual_seed(51)
chords = torch.rand(8, 3) * 20 + 4
bins = torch.arange(32.0)


def spectra(count):
    chord = torch.randint(8, (count,))
    tones = chords[chord] + 0.8 * torch.randn(count, 1)
    peaks = torch.exp(-((bins - tones.unsqueeze(2)) ** 2) / 2) * (0.3 + torch.rand(count, 3, 1))
    return peaks.sum(1) + 0.15 * torch.randn(count, 32), chord


class Block(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.body = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout),
                                  nn.Linear(width, width), nn.Dropout(dropout))  # fmt: skip

    def forward(self, x):
        return x + self.body(x)


def network(width=64, dropout=0.1):
    blocks = [Block(width, dropout) for _ in range(3)]
    return nn.Sequential(nn.Linear(32, width), nn.Dropout(dropout), *blocks, nn.LayerNorm(width), nn.Linear(width, 8))


x, y = spectra(1500)
x_test, y_test = spectra(500)
model = network()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
