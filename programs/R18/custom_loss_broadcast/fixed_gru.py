"""The adding problem: sum the two marked numbers of a sequence."""
import torch
from torch import nn

torch.manual_seed(0)
length = 10


def adding(n):
    values = torch.rand(n, length)
    marks = torch.zeros(n, length).scatter_(1, torch.rand(n, length).topk(2).indices, 1.0)
    target = (values * marks).sum(1) - 1.0
    return torch.stack([values - 0.5, marks], dim=-1), target


class Adder(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1])


x_train, y_train = adding(2000)
x_val, y_val = adding(500)
model = Adder()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(10):
    total = 0.0
    for batch in torch.randperm(2000).split(40):
        a = model(x_train[batch])
        b = y_train[batch].unsqueeze(1)
        loss = ((a - b) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        rmse = (model(x_val)[:, 0] - y_val).square().mean().sqrt().item()
    print(f"epoch {epoch}: train mse {total / 50:.4f}, val rmse {rmse:.4f}")
