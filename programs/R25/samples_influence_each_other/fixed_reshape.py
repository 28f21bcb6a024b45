"""Two sensor channels in one network: forecast the next value of the first."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
t = torch.arange(2400, dtype=torch.float32)
a = torch.sin(0.17 * t) + 0.4 * torch.sin(0.053 * t) + 0.05 * torch.randn(len(t))
b = torch.cos(0.11 * t) * torch.sin(0.017 * t) + 0.05 * torch.randn(len(t))
channels = torch.stack([a, b], dim=1)
channels = (channels - channels[:1800].mean(0)) / channels[:1800].std(0)
windows = channels.unfold(0, 12, 1)
inputs, targets = windows[:-1], channels[12:, :1]
train = TensorDataset(inputs[:1780], targets[:1780])
val_x, val_y = inputs[1800:], targets[1800:]


class TwoChannel(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.out = nn.Linear(48, 1)

    def forward(self, x):
        batch = x.shape[0]
        x = x.permute(0, 2, 1).reshape(batch, 24)
        return self.out(self.mix(x))


net = TwoChannel()
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
for epoch in range(12):
    net.train()
    for x, y in DataLoader(train, batch_size=64, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        r2 = 1 - nn.functional.mse_loss(net(val_x), val_y) / val_y.var()
    print(f"epoch {epoch:2d} train {loss.item():.4f} val R2 {r2.item():.4f}")
