"""Who hums? Speakers are told apart by an x-vector network: frames, mean and deviation over time, embedding."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

RATE, SECONDS = 2000, 0.5
SPEAKERS = 6


def hum(speaker, g):
    """A voice has a pitch and the strengths of its overtones; now and then the microphone is off."""
    t = torch.arange(int(RATE * SECONDS)) / RATE
    pitch = (90 + 14 * speaker) * (1 + 0.08 * torch.randn((), generator=g))
    voice = torch.zeros_like(t)
    strengths = torch.rand(6, generator=torch.Generator().manual_seed(speaker + 40))
    for k, strength in enumerate(strengths, start=1):
        voice += strength * torch.sin(2 * math.pi * k * pitch * t + 6.28 * torch.rand((), generator=g))
    voice *= 1 + 0.3 * torch.sin(2 * math.pi * 4 * t)
    voice += 0.3 * torch.randn(len(t), generator=g)
    return voice * 0.2 * (torch.rand((), generator=g) > 0.006)


def spectrogram(wave):
    window = torch.hann_window(128)
    power = torch.stft(wave, 128, hop_length=32, window=window, return_complex=True).abs() ** 2
    return torch.log1p(20 * power)


class StatisticsPooling(nn.Module):
    def forward(self, x):
        mean = x.mean(dim=2)
        deviation = x.var(dim=2).sqrt()
        return torch.cat([mean, deviation], dim=1)


class XVector(nn.Module):
    def __init__(self, bins=65, channels=32, dim=24):
        super().__init__()
        self.frame1 = nn.Conv1d(bins, channels, 5)
        self.frame2 = nn.Conv1d(channels, channels, 3, dilation=2)
        self.frame3 = nn.Conv1d(channels, 2 * channels, 1)
        self.pooling = StatisticsPooling()
        self.segment = nn.Linear(4 * channels, dim)
        self.output = nn.Linear(dim, SPEAKERS)

    def forward(self, x):
        x = F.relu(self.frame1(x))
        x = F.relu(self.frame2(x))
        x = F.relu(self.frame3(x))
        return self.output(F.relu(self.segment(self.pooling(x))))


class Recordings(torch.utils.data.Dataset):
    def __init__(self, count, seed):
        g = torch.Generator().manual_seed(seed)
        self.items = []
        for number in range(count):
            speaker = number % SPEAKERS
            self.items.append({"spectrum": spectrogram(hum(speaker, g)), "speaker": speaker})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total = right = 0
    with torch.set_grad_enabled(optimizer is not None):
        for batch in loader:
            scores = model(batch["spectrum"])
            loss = F.cross_entropy(scores, batch["speaker"])
            if optimizer is not None:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            total += loss.item() * len(scores)
            right += (scores.argmax(1) == batch["speaker"]).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


def main():
    random.seed(0)
    torch.manual_seed(0)
    train = torch.utils.data.DataLoader(Recordings(720, 1), batch_size=24, shuffle=True)
    test = torch.utils.data.DataLoader(Recordings(180, 2), batch_size=60)
    model = XVector()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(10):
        train_loss, _ = run_epoch(model, train, optimizer)
        test_loss, test_accuracy = run_epoch(model, test)
        print(f"{epoch} train loss {train_loss:.4f} test loss {test_loss:.4f}")
    print(f"test loss {test_loss:.4f}")


if __name__ == "__main__":
    main()
