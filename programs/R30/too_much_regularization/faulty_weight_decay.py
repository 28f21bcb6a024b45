"""Next value of a two-tone signal with a one-dimensional convolutional network."""
import torch
from torch import nn

torch.manual_seed(0)
t = torch.arange(2000, dtype=torch.float32)
signal = torch.sin(t / 5) + torch.sin(t / 17.3 + 1) + 0.08 * torch.randn(2000)
signal = (signal - signal[:1500].mean()) / signal[:1500].std()
windows = signal.unfold(0, 25, 1)
train, val = windows[:1470], windows[1500:]

net = nn.Sequential(
    nn.Unflatten(1, (1, 24)), nn.Conv1d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv1d(16, 16, 5, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(48, 1),
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1.0)

for epoch in range(10):
    net.train()
    losses = []
    for rows in torch.randperm(len(train)).split(64):
        batch = train[rows]
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(batch[:, :24]), batch[:, 24:])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        mse = nn.functional.mse_loss(net(val[:, :24]), val[:, 24:])
    r2 = 1 - (mse / val[:, 24].var()).item()
    print(f"epoch {epoch} train {sum(losses) / len(losses):.4f} val {mse.item():.4f} R2 {r2:.4f}")
