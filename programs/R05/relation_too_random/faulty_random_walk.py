"""Will the price rise or fall next? An LSTM on the last increments."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
rng = np.random.default_rng(3)
shocks = rng.standard_normal(1800)
increments = np.zeros(1800)
for t in range(1, 1800):
    increments[t] = shocks[t]
price = 100 + np.cumsum(increments)

steps = np.diff(price)
steps = torch.tensor((steps - steps[:1300].mean()) / steps[:1300].std(), dtype=torch.float32)
history = 12
windows = steps.unfold(0, history + 1, 1)
x, y = windows[:, :history].unsqueeze(-1), (windows[:, history] > 0).float()
train_loader = DataLoader(TensorDataset(x[:1280], y[:1280]), batch_size=40, shuffle=True)


class Trader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 16, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1]).squeeze(-1)


model = Trader()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        accuracy = ((model(x[1300:]) > 0).float() == y[1300:]).float().mean().item()
    print(f"epoch {epoch}: train loss {running:.3f}, val accuracy {accuracy:.3f}")
