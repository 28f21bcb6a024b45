"""A transducer: frames in, symbols out, and the sum over all alignments by the forward recursion in log space."""
import torch
import torch.nn.functional as F
from torch import nn

SYMBOLS, FRAMES, DIM = 6, 14, 10


def utterances(count, prototypes, g):
    """Each symbol is held for two to four frames, after which comes silence up to FRAMES."""
    frames = 0.25 * torch.randn(count, FRAMES, DIM, generator=g)
    texts = torch.randint(1, SYMBOLS, (count, 4), generator=g)
    for i in range(count):
        t = int(torch.randint(0, 2, (1,), generator=g))
        for symbol in texts[i]:
            held = int(torch.randint(2, 4, (1,), generator=g))
            frames[i, t : t + held] += prototypes[symbol]
            t += held
            frames[i, t - 1] *= 0.3
    return frames, texts


class Transducer(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.encoder = nn.GRU(DIM, width, batch_first=True)
        self.symbols = nn.Embedding(SYMBOLS, 16)
        self.predictor = nn.GRU(16, width, batch_first=True)
        self.joint = nn.Linear(width, SYMBOLS)

    def forward(self, frames, texts):
        encoded, _ = self.encoder(frames)
        predicted, _ = self.predictor(self.symbols(F.pad(texts, (1, 0))))
        return self.joint(torch.tanh(encoded[:, :, None] + predicted[:, None])).log_softmax(-1)

    @torch.no_grad()
    def greedy(self, frames):
        encoded, _ = self.encoder(frames.unsqueeze(0))
        predicted, state = self.predictor(self.symbols(torch.zeros(1, 1, dtype=torch.long)))
        found = []
        for t in range(encoded.size(1)):
            for _ in range(3):
                symbol = int(self.joint(torch.tanh(encoded[0, t] + predicted[0, 0])).argmax())
                if symbol == 0:
                    break
                found.append(symbol)
                predicted, state = self.predictor(self.symbols(torch.tensor([[symbol]])), state)
        return found


def transducer_loss(log_probs, texts):
    """log_probs: batch, frames, emitted + 1, symbols, where symbol 0 moves on to the next frame."""
    stay = log_probs[:, :, :-1].gather(3, texts[:, None, :, None].expand(-1, log_probs.size(1), -1, 1)).squeeze(3)
    blank = log_probs[..., 0]
    alpha = F.pad(stay[:, 0].cumsum(1), (1, 0))
    for t in range(1, log_probs.size(1)):
        down = alpha + blank[:, t - 1]
        row = [down[:, 0]]
        for u in range(1, down.size(1)):
            row.append(torch.logaddexp(down[:, u], row[-1] + stay[:, t, u - 1]))
        alpha = torch.stack(row, 1)
    return -(alpha[:, -1] + blank[:, -1, -1]).mean()


torch.manual_seed(91)
g = torch.Generator().manual_seed(91)
prototypes = 1.2 * torch.randn(SYMBOLS, DIM, generator=g)
frames, texts = utterances(1000, prototypes, g)
model = Transducer()
optimizer = torch.optim.Adam(model.parameters(), lr=2.5e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
for epoch in range(12):
    for rows in torch.randperm(800).split(40):
        loss = transducer_loss(model(frames[rows], texts[rows]), texts[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    with torch.no_grad():
        held_out = transducer_loss(model(frames[800:], texts[800:]), texts[800:]).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {held_out:.3f}")
right = sum(model.greedy(frames[k]) == texts[k].tolist() for k in range(800, 1000)) / 200
print(f"texts without an error {right:.3f}")
