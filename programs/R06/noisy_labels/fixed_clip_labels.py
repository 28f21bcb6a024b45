"""Bird calls in long recordings: windows of half a second are sorted into four species and background."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE, WINDOW, SPECIES = 800, 400, ("tit", "finch", "wren", "robin")


def call(kind, rng, length):
    t = np.arange(length) / RATE
    base = rng.uniform(90, 130)
    if kind == 0:
        phase = base * t + 0.5 * np.sign(np.sin(2 * np.pi * 6 * t)) * 12 * t
    elif kind == 1:
        phase = base * t + 90 * t**2
    elif kind == 2:
        phase = (base + 120) * t + 3.0 * np.sin(2 * np.pi * 9 * t)
    else:
        phase = (base + 150) * t - 90 * t**2
    return np.sin(2 * np.pi * phase) * rng.uniform(0.6, 1.0)


def record(kind, rng, seconds=6):
    """A recording of one species, and when it calls (as samples)."""
    sound = 0.25 * rng.normal(size=seconds * RATE)
    length = int(rng.uniform(1.6, 2.4) * RATE)
    start = int(rng.integers(0, len(sound) - length))
    sound[start:start + length] += call(kind, rng, length)
    return sound.astype(np.float32), (start, start + length)


class Windows(Dataset):
    def __init__(self, recordings, seed):
        rng = np.random.default_rng(seed)
        self.windows, self.labels = [], []
        for number in range(recordings):
            kind = number % len(SPECIES)
            sound, annotation = record(kind, rng)
            for start in range(0, len(sound) - WINDOW + 1, WINDOW):
                self.windows.append(sound[start:start + WINDOW])
                self.labels.append(self.label(kind, annotation, start))

    @staticmethod
    def label(kind, annotation, start):
        overlap = min(annotation[1], start + WINDOW) - max(annotation[0], start)
        return kind if overlap > WINDOW // 2 else len(SPECIES)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, number):
        return torch.from_numpy(self.windows[number]), self.labels[number]


class CallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.window = nn.Buffer(torch.hann_window(64)) if hasattr(nn, "Buffer") else torch.hann_window(64)
        self.conv = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3), nn.ReLU())
        self.head = nn.Linear(24 * 14 * 11, len(SPECIES) + 1)

    def forward(self, sound):
        power = torch.stft(sound, 64, hop_length=16, window=self.window, return_complex=True).abs()
        return self.head(self.conv(torch.log1p(power)[:, None]).flatten(1))


def main():
    torch.manual_seed(4)
    train = DataLoader(Windows(160, seed=1), batch_size=32, shuffle=True)
    test = DataLoader(Windows(60, seed=2), batch_size=144)
    model = CallNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(6):
        model.train()
        for sound, label in train:
            loss = nn.functional.cross_entropy(model(sound), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(sound).argmax(1) == label).sum().item() for sound, label in test)
        print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {right / len(test.dataset):.4f}")


if __name__ == "__main__":
    main()
