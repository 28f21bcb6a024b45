"""Will a pump fail within a week? A recording of its vibration, and a table of how it is run."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(40)
rng = np.random.default_rng(40)
wear, load = rng.uniform(0, 1, (2, 1600))
table = np.stack([load, rng.uniform(0, 1, 1600), 0.6 * load + rng.uniform(0, 1, 1600)], 1)
time = np.arange(60)
signal = (0.3 + wear[:, None]) * np.sin(2 * np.pi * (0.1 + 0.05 * rng.uniform(size=(1600, 1))) * time)
signal += 0.3 * rng.standard_normal(signal.shape)
fails = (wear + 0.45 * load + 0.05 * rng.standard_normal(1600) > 0.75).astype("float32")
table = (table - table[:1200].mean(0)) / table[:1200].std(0)
parts = [torch.tensor(part, dtype=torch.float32) for part in (signal[:, None], table, fails)]
loader = DataLoader(TensorDataset(*(part[:1200] for part in parts)), batch_size=40, shuffle=True)


class Pump(nn.Module):
    def __init__(self):
        super().__init__()
        self.vibration = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 16), nn.ReLU(),
        )
        self.running = nn.Sequential(nn.Linear(3, 16), nn.ReLU())
        self.out = nn.Linear(32, 1)

    def forward(self, signal, table):
        heard, known = self.vibration(signal), self.running(table)
        return self.out(torch.cat([heard, heard], dim=1)).squeeze(1)


model = Pump()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(12):
    model.train()
    for signals, tables, targets in loader:
        loss = nn.functional.binary_cross_entropy_with_logits(model(signals, tables), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(parts[0][1200:], parts[1][1200:]) > 0) == (parts[2][1200:] > 0.5)
    print(f"epoch {epoch}: loss {loss.item():.3f} validation accuracy {right.float().mean():.4f}")
