"""One-step forecast of a modulated sine wave with a GRU."""
import argparse

import torch
from torch import nn


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.head(states[:, -1])


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=2e-6)
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

torch.manual_seed(0)
time = torch.arange(1500, dtype=torch.float32)
series = torch.sin(0.2 * time) * (1 + 0.3 * torch.sin(0.031 * time)) + 0.05 * torch.randn(1500)
windows = series.unfold(0, 21, 1).unsqueeze(-1)
train, val = windows[:1100], windows[1121:]

model = Forecaster(24)
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
for epoch in range(args.epochs):
    model.train()
    losses = []
    for batch in train[torch.randperm(len(train))].split(64):
        loss = nn.functional.mse_loss(model(batch[:, :-1]), batch[:, -1])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(val[:, :-1]), val[:, -1])
    r2 = 1 - error.item() / val[:, -1].var().item()
    print(f"epoch {epoch + 1}: train mse {sum(losses) / len(losses):.4f}, val R2 {r2:.4f}")
