import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(17)
VOCAB, LENGTH, TOPICS = 200, 20, 6
PAD = 0


def tickets(n, seed):
    """Support tickets: mostly filler words, two or three key words tell the topic."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, TOPICS, n)
    x = np.zeros((n, LENGTH), dtype=np.int64)
    for i, k in enumerate(topic):
        length = rng.integers(10, LENGTH + 1)
        x[i, :length] = rng.integers(60, VOCAB, length)
        where = rng.choice(length, 2, replace=False)
        x[i, where] = 1 + k * 9 + rng.integers(0, 9, 2)
        if rng.random() < 0.5:
            other = rng.integers(0, TOPICS)
            free = [j for j in range(length) if j not in where]
            x[i, rng.choice(free)] = 1 + other * 9 + rng.integers(0, 9)
    return TensorDataset(torch.tensor(x), torch.tensor(topic))


class AttentionPool(nn.Module):
    """Additive attention over the words of a ticket."""

    def __init__(self, dim, hidden):
        super().__init__()
        self.proj = nn.Linear(dim, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, h, mask):
        s = self.score(torch.tanh(self.proj(h)))
        s = s.masked_fill(~mask.unsqueeze(-1), -1e4)
        w = torch.softmax(s, dim=0)
        return (w * h).sum(dim=1)


class TicketClassifier(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.pool = AttentionPool(dim, 32)
        self.fc = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, TOPICS))

    def forward(self, x):
        return self.fc(self.pool(self.emb(x), x != PAD))


def accuracy(model, data, batch):
    model.eval()
    good = 0
    with torch.no_grad():
        for x, y in DataLoader(data, batch_size=batch):
            good += (model(x).argmax(1) == y).sum().item()
    return good / len(data)


train_data, test_data = tickets(2500, 0), tickets(800, 1)
model = TicketClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1, 31):
    model.train()
    total = 0.0
    for x, y in DataLoader(train_data, batch_size=64, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    if epoch % 2 == 0:
        print(f"epoch {epoch} loss {total / len(train_data):.4f} one-by-one test accuracy {accuracy(model, test_data, 1):.4f}")
