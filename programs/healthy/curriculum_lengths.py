"""Is the sum of a digit sequence above average? Short sequences first, longer ones later."""

import torch
from torch import nn

torch.manual_seed(12)


def make(count, length):
    x = torch.randn(count, length, 1)
    return x, (x.sum((1, 2)) > 0).float()


class Summer(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1]).squeeze(1)


model = Summer()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.BCEWithLogitsLoss()
x_val, y_val = make(500, 16)
for length in (4, 8, 12, 16):
    for step in range(60):
        x, y = make(64, length)
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        accuracy = ((model(x_val) > 0).float() == y_val).float().mean().item()
    print(f"length {length}: loss {loss.item():.3f} val accuracy at length 16 {accuracy:.3f}")
