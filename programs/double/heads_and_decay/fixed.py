"""Hard parameter sharing: one trunk, three questions about the same short melody (key, metre, contour)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SCALES = {0: [0, 2, 4, 5, 7, 9, 11], 1: [0, 2, 3, 5, 7, 8, 10], 2: [0, 2, 4, 6, 8, 10], 3: [0, 2, 4, 7, 9]}


def melody(rng):
    scale, metre, contour = rng.integers(4), rng.integers(3), rng.integers(3)
    tones, notes = SCALES[scale], []
    place = rng.integers(5, 9)
    for step in range(24):
        drift = {0: 0.35, 1: -0.35, 2: 0.7 * (1 if step < 12 else -1)}[contour]
        place = int(np.clip(np.round(place + drift + rng.normal(0, 1.2)), 0, 2 * len(tones) + 3))
        notes.append(12 * (place // len(tones)) + tones[place % len(tones)])
    accent = np.array([1.0 if step % (metre + 2) == 0 else 0.3 for step in range(24)])
    loud = np.clip(accent + rng.normal(0, 0.12, 24), 0, 1.5)
    return notes, loud, (scale, metre, contour)


def corpus(n, seed):
    rng = np.random.default_rng(seed)
    notes, loud, labels = zip(*(melody(rng) for _ in range(n)))
    return torch.tensor(np.clip(notes, 0, 47)), torch.tensor(np.array(loud), dtype=torch.float32), torch.tensor(labels)


class MultiTaskNet(nn.Module):
    def __init__(self, tasks=(4, 3, 3), dim=24):
        super().__init__()
        self.pitch, self.chroma = nn.Embedding(48, dim), nn.Embedding(12, dim)
        self.conv = nn.Conv1d(2 * dim + 1, 48, 7, padding=3)
        self.rnn = nn.GRU(48, 32, batch_first=True, bidirectional=True)
        self.heads = nn.ModuleList(nn.Linear(128, k) for k in tasks)

    def forward(self, notes, loud):
        x = torch.cat([self.pitch(notes), self.chroma(notes % 12), 4 * (loud.unsqueeze(-1) - 0.55)], -1)
        x = F.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        out, _ = self.rnn(x)
        pooled = torch.cat([out.mean(1), out.amax(1)], 1)
        return [head(pooled) for head in self.heads]


class Engine:
    def __init__(self, model, lr, gamma):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma)

    def fit_epoch(self, data, batch=50):
        self.model.train()
        notes, loud, labels = data
        losses = []
        for rows in torch.randperm(len(notes)).split(batch):
            outs = self.model(notes[rows], loud[rows])
            loss = sum(F.cross_entropy(o, labels[rows, k]) for k, o in enumerate(outs))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        self.scheduler.step()
        return float(np.mean(losses))

    @torch.no_grad()
    def validate(self, data):
        self.model.eval()
        notes, loud, labels = data
        outs = self.model(notes, loud)
        return [(o.argmax(1) == labels[:, k]).float().mean().item() for k, o in enumerate(outs)]


if __name__ == "__main__":
    torch.manual_seed(50)
    train, val = corpus(2000, 50), corpus(500, 51)
    engine = Engine(MultiTaskNet(), lr=3e-3, gamma=0.85)
    for epoch in range(9):
        loss = engine.fit_epoch(train)
        accs = engine.validate(val)
        print(f"epoch {epoch}: loss {loss:.3f} key/metre/contour {[round(a, 3) for a in accs]} mean val acc {np.mean(accs):.4f}")
