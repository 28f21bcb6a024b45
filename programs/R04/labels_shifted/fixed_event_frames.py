"""Sound event detection: label every spectrogram frame of a minute-long recording as speech, alarm, engine or nothing."""
import numpy as np
import torch
from torch import nn

RATE = 4000
N_FFT = 256
HOP = 128
EVENTS = ["none", "speech", "alarm", "engine"]


def synth_event(kind, n, rng):
    t = np.arange(n) / RATE
    if kind == "speech":
        f0 = rng.uniform(110, 220) * (1 + 0.1 * np.sin(2 * np.pi * 3 * t))
        ph = np.cumsum(2 * np.pi * f0 / RATE)
        return sum(np.sin(k * ph) / k for k in range(1, 7)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    if kind == "alarm":
        f = np.where((t * rng.uniform(3, 5)) % 1 < 0.5, 900, 1250) * rng.uniform(0.9, 1.1)
        return 0.8 * np.sin(np.cumsum(2 * np.pi * f / RATE))
    noise = rng.normal(size=n + 40)
    return 1.5 * np.convolve(noise, np.ones(41) / 9, mode="valid")


def recording(seconds, seed):
    rng = np.random.default_rng(seed)
    audio = rng.normal(0, 0.15, seconds * RATE)
    annotation = []
    at = rng.uniform(0.2, 0.8)
    while True:
        length = rng.uniform(0.4, 1.3)
        if at + length > seconds:
            break
        kind = int(rng.integers(1, 4))
        a, b = int(at * RATE), int((at + length) * RATE)
        audio[a:b] += synth_event(EVENTS[kind], b - a, rng) * rng.uniform(0.5, 1.2)
        annotation.append((at, at + length, kind))
        at += length + rng.uniform(0.1, 0.9)
    return torch.tensor(audio, dtype=torch.float32), annotation


def spectrogram(audio):
    spec = torch.stft(audio, N_FFT, HOP, window=torch.hann_window(N_FFT), center=False, return_complex=True)
    return torch.log(spec.abs() + 1e-3).T


def frame_labels(annotation, n_frames, step):
    labels = torch.zeros(n_frames, dtype=torch.long)
    for start, end, kind in annotation:
        labels[int(start / step):int(end / step)] = kind
    return labels


def prepare(seeds):
    pairs = []
    for s in seeds:
        audio, annotation = recording(30, s)
        spec = spectrogram(audio)
        step = HOP / RATE
        pairs.append((spec, frame_labels(annotation, len(spec), step)))
    return pairs


class Tagger(nn.Module):
    def __init__(self, bins=N_FFT // 2 + 1):
        super().__init__()
        self.norm = nn.BatchNorm1d(bins)
        self.conv = nn.Conv1d(bins, 40, 5, padding=2)
        self.rnn = nn.GRU(40, 24, batch_first=True, bidirectional=True)
        self.out = nn.Linear(48, len(EVENTS))

    def forward(self, x):
        h = torch.relu(self.conv(self.norm(x.transpose(1, 2)))).transpose(1, 2)
        return self.out(self.rnn(h)[0])


def chunks(pairs, length=100):
    xs, ys = [], []
    for spec, lab in pairs:
        for i in range(0, len(spec) - length + 1, length):
            xs.append(spec[i:i + length])
            ys.append(lab[i:i + length])
    return torch.stack(xs), torch.stack(ys)


torch.manual_seed(8)
train_x, train_y = chunks(prepare(range(14)))
test_x, test_y = chunks(prepare(range(100, 104)))
model = Tagger()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for idx in torch.randperm(len(train_x)).split(8):
        loss = nn.functional.cross_entropy(model(train_x[idx]).flatten(0, 1), train_y[idx].flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step()
    model.eval()
    with torch.no_grad():
        pred = model(test_x).argmax(-1)
    acc = (pred == test_y).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.3f} frame accuracy {acc:.3f}")
f1 = []
for k in range(1, 4):
    tp = ((pred == k) & (test_y == k)).sum().item()
    f1.append(2 * tp / max(1, (pred == k).sum().item() + (test_y == k).sum().item()))
print("event F1", dict(zip(EVENTS[1:], [round(v, 3) for v in f1])), "mean", round(sum(f1) / 3, 3))
