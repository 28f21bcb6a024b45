"""Read dialled numbers from the two-tone signal of a telephone keypad, without knowing where each key starts."""
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE = 2000
LOW, HIGH = (174.0, 192.0, 213.0, 235.0), (302.0, 334.0, 369.0)
BLANK = 0


def tone(digit, length):
    """The tone of a key: one low and one high frequency (scaled to a quarter of the real ones)."""
    row, column = divmod(digit, 3)
    t = torch.arange(length) / RATE
    phase = torch.rand(2) * 2 * math.pi
    return torch.sin(2 * math.pi * LOW[row] * t + phase[0]) + torch.sin(2 * math.pi * HIGH[column] * t + phase[1])


class Calls(Dataset):
    def __init__(self, count, samples=1280):
        self.signals = 0.2 * torch.randn(count, samples)
        self.numbers = []
        for call in range(count):
            digits = torch.randint(0, 10, (int(torch.randint(3, 6, ())),))
            start = int(torch.randint(0, 60, ()))
            for digit in digits.tolist():
                length = int(torch.randint(110, 150, ()))
                self.signals[call, start : start + length] += tone(digit, length)
                start += length + int(torch.randint(50, 80, ()))
            self.numbers.append(digits)

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, call):
        return self.signals[call], self.numbers[call]


def collate(calls):
    signals, numbers = zip(*calls, strict=True)
    lengths = torch.tensor([len(number) for number in numbers])
    return torch.stack(signals), torch.cat(numbers) + 1, lengths


class Reader(nn.Module):
    def __init__(self, channels=32, classes=11):
        super().__init__()
        self.filters = nn.Conv1d(1, channels, 64, stride=16, padding=32)
        self.mixing = nn.Sequential(
            nn.BatchNorm1d(channels),
            nn.Conv1d(channels, 48, 5, padding=2),
            nn.BatchNorm1d(48),
            nn.ReLU(),
            nn.Conv1d(48, 48, 3, padding=1),
            nn.ReLU(),
        )
        self.classifier = nn.Conv1d(48, classes, 1)

    def forward(self, signals):
        energy = self.filters(signals[:, None]).abs()
        return self.classifier(self.mixing(energy)).permute(2, 0, 1)


def ctc_step(model, batch):
    signals, targets, target_lengths = batch
    frames = model(signals)
    input_lengths = torch.full((len(signals),), len(frames))
    return F.ctc_loss(frames, targets, input_lengths, target_lengths, blank=BLANK)


def decode(frames):
    best = frames.argmax(2).T
    for path in best:
        collapsed = torch.unique_consecutive(path)
        yield (collapsed[collapsed != BLANK] - 1).tolist()


def exact_numbers(model, calls):
    model.eval()
    with torch.no_grad():
        read = list(decode(model(calls.signals)))
    model.train()
    return sum(found == number.tolist() for found, number in zip(read, calls.numbers, strict=True)) / len(calls)


def main():
    torch.manual_seed(21)
    train, held_out = Calls(700), Calls(150)
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    loader = DataLoader(train, batch_size=25, shuffle=True, collate_fn=collate)
    for epoch in range(7):
        total = 0.0
        for batch in loader:
            loss = ctc_step(model, batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch} ctc {total / len(loader):.3f} numbers read {exact_numbers(model, held_out):.4f}")


main()
