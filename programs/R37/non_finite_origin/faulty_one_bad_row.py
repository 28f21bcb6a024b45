"""Relative change of a flow from one reading to the next, predicted from the last twelve."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
t = torch.arange(1800, dtype=torch.float32)
flow = 100 + 40 * torch.sin(t / 9) + 25 * torch.sin(t / 4.1 + 1) + 1.5 * torch.randn(1800)
flow[611] = 0.0
change = flow[1:] / flow[:-1] - 1
change = (change - change[:500].mean()) / change[:500].std()
windows = change.unfold(0, 13, 1)
x, y = windows[:, :12], windows[:, 12:]
train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
x_val, y_val = x[1412:], y[1412:]

model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for inputs, targets in train:
        loss = nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        r2 = 1 - nn.functional.mse_loss(model(x_val), y_val) / y_val.var()
    print(f"epoch {epoch} mse {loss.item():.4f} R2 {r2.item():.3f}")
