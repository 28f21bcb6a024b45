"""Gesture recognition from pen strokes of different lengths: packed LSTM, sequences sorted by length in the collate function."""
import math

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Strokes(Dataset):
    """Circle, zigzag, line or spiral, drawn with jitter at different speeds, sizes and angles."""

    def __init__(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(count):
            label = int(torch.randint(4, (), generator=generator))
            n = int(torch.randint(15, 45, (), generator=generator))
            t = torch.linspace(0, 1, n)
            angle = 2 * math.pi * torch.rand((), generator=generator)
            x, y = [(torch.cos(6.28 * t), torch.sin(6.28 * t)), (2 * t - 1, ((4 * t) % 1 - 0.5).abs() * 2 - 0.5), (2 * t - 1, 0.2 * t),
                    (t * torch.cos(12.6 * t), t * torch.sin(12.6 * t))][label]
            size = 0.5 + torch.rand((), generator=generator)
            points = size * torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], 1)
            points = points + 0.03 * torch.randn(n, 2, generator=generator)
            self.items.append((torch.cat([points[1:], points.diff(dim=0) * n / 10], 1), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    batch = sorted(batch, key=lambda item: len(item[0]), reverse=True)
    sequences, labels = zip(*batch)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(sequences, batch_first=True), lengths, torch.tensor(labels)


class GestureLSTM(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lstm = nn.LSTM(4, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 4)

    def forward(self, x, lengths):
        _, (hidden, _) = self.lstm(pack_padded_sequence(x, lengths, batch_first=True))
        return self.fc(hidden[-1])


torch.manual_seed(0)
train = DataLoader(Strokes(1500, 0), batch_size=32, shuffle=True, collate_fn=collate)
test = DataLoader(Strokes(400, 1), batch_size=100, collate_fn=collate)
model = GestureLSTM().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    for x, lengths, labels in train:
        optimizer.zero_grad()
        loss = criterion(model(x.to(device), lengths), labels.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(x.to(device), n).argmax(1).cpu() == labels).sum().item() for x, n, labels in test)
    print(f"Epoch {epoch + 1}, loss {loss.item():.3f}, test accuracy {correct / len(test.dataset):.3f}")
