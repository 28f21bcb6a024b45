"""Which alphabet do the reports follow? Variable-length sensor logs, an LSTM over packed sequences."""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset


class SensorLogs(Dataset):
    """Logs of machines in one of four states; a state is a pattern of how readings follow each other."""

    def __init__(self, size, seed):
        generator = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(size):
            state = int(torch.randint(4, (), generator=generator))
            length = int(torch.randint(12, 40, (), generator=generator))
            noise = torch.randn(length, generator=generator)
            period, trend = (5.0, 9.0)[state % 2], (-1.0, 1.0)[state // 2]
            t = torch.arange(length)
            level = 1.2 * torch.sin(2 * torch.pi * t / period) + trend * (t - length / 2) / length * 2
            self.items.append((torch.stack([level + 0.6 * noise, noise.roll(1)], dim=1), state))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def collate_fn(batch):
    lengths = torch.tensor([len(log) for log, _ in batch])
    lengths, order = lengths.sort(descending=True)
    logs = pad_sequence([batch[i][0] for i in order], batch_first=True)
    states = torch.tensor([batch[i][1] for i in order])
    return logs, lengths, states


class StateClassifier(nn.Module):
    def __init__(self, hidden_size=32):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, 4)

    def forward(self, logs, lengths):
        packed = pack_padded_sequence(logs, lengths, batch_first=True)
        _, (h_n, _) = self.lstm(packed)
        return self.fc(h_n[-1])


torch.manual_seed(0)
train_loader = DataLoader(SensorLogs(1200, 0), batch_size=32, shuffle=True, collate_fn=collate_fn)
test_loader = DataLoader(SensorLogs(300, 1), batch_size=1, collate_fn=collate_fn)
model = StateClassifier()
optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    for logs, lengths, states in train_loader:
        loss = criterion(model(logs, lengths), states)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(logs, lengths).argmax(1) == states).item() for logs, lengths, states in test_loader)
    print(f"epoch {epoch}, loss {loss.item():.4f}, accuracy {hits / 300:.4f}")
