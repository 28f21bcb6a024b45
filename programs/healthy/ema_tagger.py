import copy

import numpy as np
import torch
from torch import nn

PAD, TAGS, VOCAB = 0, 5, 120


def sentences(n, seed, max_len=18):
    """Tag of a word depends on its word class and on whether a 'switch' word came before."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, max_len), np.int64)
    y = np.full((n, max_len), -100)
    for i in range(n):
        length = rng.integers(6, max_len + 1)
        w = rng.integers(1, VOCAB, length)
        flipped, tags = False, []
        for word in w:
            if word < 12:
                flipped = not flipped
                tags.append(4)
            else:
                tags.append((word % 2) + (2 if flipped else 0))
        x[i, :length], y[i, :length] = w, tags
    return torch.tensor(x), torch.tensor(y)


class Tagger(nn.Module):
    def __init__(self, dim=32, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, TAGS)

    def forward(self, x):
        return self.out(self.lstm(self.emb(x))[0])


class EMA:
    def __init__(self, model, decay=0.98):
        self.decay = decay
        self.model = copy.deepcopy(model).eval()
        for p in self.model.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for a, b in zip(self.model.parameters(), model.parameters()):
            a.lerp_(b, 1 - self.decay)


@torch.no_grad()
def tag_accuracy(model, x, y):
    keep = y != -100
    return (model(x).argmax(-1)[keep] == y[keep]).float().mean().item()


def main():
    torch.manual_seed(8)
    x, y = sentences(1500, 0)
    xv, yv = sentences(300, 1)
    model = Tagger()
    ema = EMA(model)
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(16):
        model.train()
        losses = []
        for b in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[b]).flatten(0, 1), y[b].flatten(), ignore_index=-100)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            ema.update(model)
            losses.append(loss.item())
        print(f"epoch {epoch} loss {np.mean(losses):.4f} raw {tag_accuracy(model, xv, yv):.4f} "
              f"ema_tag_accuracy {tag_accuracy(ema.model, xv, yv):.4f}")


if __name__ == "__main__":
    main()
