"""Vibrations: a GRU tells which machine is running, and has a second head for the number of the shift, which nothing shows."""
import torch
from torch import nn

torch.manual_seed(20)
t = torch.arange(32) / 8


def records(count):
    machine, shift = torch.randint(5, (count,)), torch.randint(3, (count,))
    rate = torch.tensor([2.0, 3.0, 4.5, 6.0, 8.0])[machine].unsqueeze(1)
    wave = (rate * t + 6.3 * torch.rand(count, 1)).sin() + 0.5 * (2 * rate * t + 6.3 * torch.rand(count, 1)).sin()
    return (wave + 0.3 * torch.randn(count, 32)).unsqueeze(2), machine, shift


class Monitor(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.gru = nn.GRU(1, width, batch_first=True)
        self.machine, self.shift = nn.Linear(width, 5), nn.Linear(width, 3)

    def forward(self, x):
        state = self.gru(x)[0].mean(1)
        return self.machine(state), self.shift(state)


x, machine, shift = records(1500)
x_test, machine_test, _ = records(400)
model = Monitor()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(9):
    for rows in torch.randperm(len(x)).split(50):
        which, when = model(x[rows])
        loss = nn.functional.cross_entropy(which, machine[rows]) + 3 * nn.functional.cross_entropy(when, shift[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test)[0].argmax(1) == machine_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy of the machine {accuracy:.4f}")
