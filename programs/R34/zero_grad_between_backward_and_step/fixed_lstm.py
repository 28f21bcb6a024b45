"""Count ones: is there a majority of ones in the sequence?"""
import torch
from torch import nn


class Counter(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 1)

    def forward(self, bits):
        _, (h, _) = self.lstm(bits.unsqueeze(-1) * 2 - 1)
        return self.readout(h[-1]).squeeze(-1)


def sample(n, length=15):
    bits = torch.randint(2, (n, length)).float()
    return bits, (bits.sum(1) > length / 2).float()


def train_step(model, optimizer, criterion, bits, majority):
    loss = criterion(model(bits), majority)
    model.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    return loss.item()


torch.manual_seed(0)
model = Counter()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
criterion = nn.BCEWithLogitsLoss()
x_test, y_test = sample(1000)

for step in range(1, 301):
    loss = train_step(model, optimizer, criterion, *sample(32))
    if step % 50 == 0:
        with torch.no_grad():
            accuracy = ((model(x_test) > 0) == (y_test > 0.5)).float().mean().item()
        print(f"step {step:3d}, loss {loss:.4f}, test accuracy {accuracy:.3f}")
