"""Two microphones hear the same event: two encoders learn which recordings belong together."""
import math

import torch
import torch.nn.functional as F
from torch import nn


def events(count, generator):
    """Chirps of random pitch, sweep and rhythm; the second microphone is far away and hears an echo."""
    t = torch.linspace(0, 1, 128)
    pitch, sweep, rhythm = (torch.rand(3, count, 1, generator=generator) * torch.tensor([20.0, 24.0, 5.0])[:, None, None])
    sound = torch.sin(2 * math.pi * ((6 + pitch) * t + (sweep - 12) / 2 * t**2))
    sound = sound * (0.6 + 0.4 * torch.sin(2 * math.pi * (1 + rhythm) * t))
    near = sound + 0.15 * torch.randn(count, 128, generator=generator)
    far = 0.5 * sound + 0.25 * torch.roll(sound, 9, dims=1) + 0.15 * torch.randn(count, 128, generator=generator)
    return near, far


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(1, 24, 9, stride=2), nn.ReLU(), nn.Conv1d(24, 32, 5, stride=2), nn.ReLU(),
            nn.Conv1d(32, 32, 3, stride=2), nn.ReLU())
        self.projection = nn.Linear(32 * 13, dim)

    def forward(self, sound):
        return F.normalize(self.projection(self.convolutions(sound[:, None]).flatten(1)), dim=1)


class NCESoftmaxLoss(nn.Module):
    """The scores of every recording with all of the other microphone, as a classification."""

    def __init__(self, temperature=0.1):
        super().__init__()
        self.temperature = temperature
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, queries, keys):
        logits = queries @ keys.t() / self.temperature
        label = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        return self.criterion(logits, label)


def first_hits(near_encoder, far_encoder, near, far):
    near_encoder.eval(), far_encoder.eval()
    with torch.no_grad():
        scores = near_encoder(near) @ far_encoder(far).t()
    return (scores.argmax(1) == torch.arange(len(near))).float().mean().item()


def main(steps=400, batch=48):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    near, far = events(1500, generator)
    near_test, far_test = events(100, generator)
    encoders = nn.ModuleDict({"near": Encoder(), "far": Encoder()})
    criterion = NCESoftmaxLoss()
    optimizer = torch.optim.Adam(encoders.parameters(), lr=1e-3)
    for step in range(1, steps + 1):
        encoders.train()
        rows = torch.randint(len(near), (batch,), generator=generator)
        queries, keys = encoders["near"](near[rows]), encoders["far"](far[rows])
        loss = criterion(queries, keys)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            hits = first_hits(encoders["near"], encoders["far"], near_test, far_test)
            print(f"step {step} loss {loss.item():.3f} first hit right {hits:.3f}")


if __name__ == "__main__":
    main()
