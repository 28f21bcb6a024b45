# Recall the marked symbol of a sequence, with a hand-written recurrent cell.
import torch
from torch import nn


class Memory(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.width = width
        self.gate = nn.Linear(width + 9, width)
        self.candidate = nn.Linear(width + 9, width)
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, sequence):
        state = sequence.new_zeros(len(sequence), self.width)
        for inputs in sequence.unbind(1):
            joined = torch.cat([inputs, state.data], dim=1)
            gate = torch.sigmoid(self.gate(joined))
            state = state.data + gate * (torch.tanh(self.candidate(joined)) - state.data)
        return state


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory = Memory()
        self.out = nn.Linear(24, 8)

    def forward(self, sequence):
        return self.out(self.memory(sequence))


def make(count, length=14):
    symbols = torch.randint(8, (count, length))
    position = torch.randint(5, (count,))
    marks = nn.functional.one_hot(position, length)
    inputs = torch.cat([nn.functional.one_hot(symbols, 8), marks.unsqueeze(2)], dim=2).float()
    return inputs, symbols[torch.arange(count), position]


torch.manual_seed(0)
x, y = make(2000)
x_val, y_val = make(400)
model = Adder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(1, 401):
    model.train()
    rows = torch.randint(len(x), (64,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} accuracy {accuracy:.4f}")
