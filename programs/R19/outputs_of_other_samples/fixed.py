import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
rng = np.random.default_rng(1)


def walks(count, length=24):
    """Speeds along a track, and at each moment: standing, walking or running."""
    states = np.repeat(rng.integers(0, 3, (count, length // 4)), 4, axis=1)
    speed = np.array([0.0, 1.2, 3.0])[states] + rng.normal(0, 0.4, states.shape)
    sway = np.array([0.1, 0.5, 1.0])[states] * rng.normal(0, 1, states.shape)
    return TensorDataset(torch.tensor(np.stack([speed, sway], 2)).float(), torch.tensor(states))


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(2, 24, bidirectional=True)
        self.head = nn.Linear(48, 3)

    def forward(self, x):
        h, _ = self.rnn(x.transpose(0, 1))
        return self.head(h)


train, test = DataLoader(walks(640), 32, shuffle=True), DataLoader(walks(160), 80)
model, criterion = Tagger(), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for x, y in train:
        logits = model(x)
        loss = criterion(logits.transpose(0, 1).reshape(-1, 3), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(2).T == y).sum().item() for x, y in test)
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {hits / (160 * 24):.4f}")
