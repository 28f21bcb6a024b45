import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_waves(n, length=32):
    """Sine, square, sawtooth and triangle waves of random period and phase, with noise."""
    t = torch.arange(length) / length
    kind = torch.randint(4, (n,))
    phase = (t * (2 + 3 * torch.rand(n, 1)) + torch.rand(n, 1)) % 1.0
    shapes = torch.stack(
        [
            torch.sin(2 * math.pi * phase),
            torch.where(phase < 0.5, 1.0, -1.0),
            2 * phase - 1,
            4 * (phase - 0.5).abs() - 1,
        ],
        dim=1,
    )
    waves = shapes[torch.arange(n), kind] + 0.05 * torch.randn(n, length)
    return waves.unsqueeze(-1), kind


class WaveClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 4)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.fc(states.mean(dim=1))


torch.manual_seed(0)
train_loader = DataLoader(TensorDataset(*make_waves(1000)), batch_size=40, shuffle=True)
x_val, y_val = make_waves(400)
model = WaveClassifier()
optimizer = torch.optim.RMSprop(model.parameters(), lr=6e-3)

for epoch in range(10):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.nll_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(x_val)
        val_loss = nn.functional.nll_loss(out, y_val).item()
        accuracy = (out.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} | train {loss.item():.3f} | val {val_loss:.3f} | accuracy {accuracy:.3f}")
