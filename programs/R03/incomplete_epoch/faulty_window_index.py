"""Activity recognition from accelerometer recordings, one recording per person and activity."""
import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("har")


@dataclass
class Config:
    window: int = 50
    hop: int = 25
    epochs: int = 12
    batch_size: int = 32
    lr: float = 2e-3
    hidden: int = 32
    seed: int = 4


ACTIVITIES = {"walk": (1.8, 1.0), "run": (2.8, 2.2), "stairs": (1.5, 1.4), "cycle": (1.2, 0.6), "rest": (0.2, 0.15)}


def record(person, activity, seconds=40, rate=25):
    rng = np.random.default_rng(1000 * person + activity)
    f, a = list(ACTIVITIES.values())[activity]
    f *= rng.uniform(0.88, 1.12)
    a *= rng.uniform(0.75, 1.25)
    t = np.arange(seconds * rate) / rate
    ph = rng.uniform(0, 2 * np.pi)
    tilt = rng.normal(0, 0.25, 3)
    mix = np.array([1.0, 0.6, 0.35 if activity != 2 else 0.9]) * rng.uniform(0.8, 1.2, 3)
    wave = a * np.sin(2 * np.pi * f * t + ph) + 0.4 * a * np.sin(4 * np.pi * f * t + 2 * ph)
    return (wave[:, None] * mix + tilt + rng.normal(0, 0.45, (len(t), 3))).astype(np.float32)


class Windows(Dataset):
    def __init__(self, people, cfg):
        self.cfg = cfg
        self.recordings = []
        self.index = []
        for activity in range(len(ACTIVITIES)):
            for person in people:
                signal = record(person, activity)
                starts = range(0, len(signal) - cfg.window + 1, cfg.hop)
                self.index += [(len(self.recordings), s) for s in starts]
                self.recordings.append((signal, activity))

    def __len__(self):
        return len(self.index) // self.cfg.hop

    def __getitem__(self, i):
        rec, start = self.index[i]
        signal, activity = self.recordings[rec]
        return torch.from_numpy(signal[start:start + self.cfg.window]).T, activity


class Net(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(3, cfg.hidden, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(cfg.hidden, cfg.hidden, 5, padding=2), nn.ReLU(),
        )
        self.out = nn.Linear(2 * cfg.hidden, len(ACTIVITIES))

    def forward(self, x):
        h = self.features(x)
        return self.out(torch.cat([h.amax(-1), h.mean(-1)], dim=-1))


def evaluate(model, data):
    model.eval()
    right = torch.zeros(len(ACTIVITIES))
    total = torch.zeros(len(ACTIVITIES))
    with torch.no_grad():
        for i in range(len(data.index)):
            x, y = data[i]
            right[y] += float(model(x[None]).argmax() == y)
            total[y] += 1
    return right / total


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    train, held_out = Windows(range(0, 10), cfg), Windows(range(10, 13), cfg)
    loader = DataLoader(train, cfg.batch_size, shuffle=True)
    model = Net(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 3 == 2:
            log.info("epoch %d loss %.4f", epoch + 1, total / len(loader))
    recall = evaluate(model, held_out)
    for name, r in zip(ACTIVITIES, recall.tolist()):
        log.info("%8s recall %.3f", name, r)
    log.info("balanced accuracy on new people: %.4f", recall.mean())


if __name__ == "__main__":
    main()
