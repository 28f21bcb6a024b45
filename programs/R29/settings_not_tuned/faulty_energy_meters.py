"""Which of six appliances runs? From the current over one second, with the settings of an older project."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(38)
rng = np.random.default_rng(38)
kinds = rng.integers(0, 6, 1500)
harmonics = rng.uniform(-1, 1, (6, 6))
time = np.linspace(0, 4 * np.pi, 48)
currents = np.stack([sum(harmonics[k, n] * np.sin((n + 1) * time + 0.3 * k) for n in range(6)) for k in kinds])
currents = currents * rng.uniform(0.5, 1.5, (1500, 1)) + 0.8 * rng.standard_normal((1500, 48))
x = torch.tensor((currents - currents[:1100].mean()) / currents[:1100].std(), dtype=torch.float32)
y = torch.tensor(kinds)
loader = DataLoader(TensorDataset(x[:1100], y[:1100]), batch_size=110, shuffle=True)

model = nn.Sequential(
    nn.Linear(48, 96), nn.ReLU(), nn.Dropout(0.85), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(0.85), nn.Linear(96, 6)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.008, momentum=0.0, weight_decay=0.05)
for epoch in range(10):
    model.train()
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1100:]).argmax(1) == y[1100:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} validation accuracy {accuracy:.4f}")
