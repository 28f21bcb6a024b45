"""Dilated convolutions over a sequence: predict the next value at every position."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
t = torch.arange(3000, dtype=torch.float32)
series = torch.sin(0.23 * t) + 0.5 * torch.sin(0.071 * t + 0.5) + 0.03 * torch.randn(3000)
series = (series - series[:2400].mean()) / series[:2400].std()
train, val = series[:2400].unfold(0, 49, 2), series[2400:].unfold(0, 49, 4)


class CausalConv(nn.Conv1d):
    def __init__(self, inside, outside, dilation):
        super().__init__(inside, outside, kernel_size=3, dilation=dilation)

    def forward(self, x):
        pad = 2 * self.dilation[0]
        return super().forward(F.pad(x, (pad // 2, pad // 2)))


model = nn.Sequential(
    CausalConv(1, 24, 1), nn.ReLU(), CausalConv(24, 24, 2), nn.ReLU(),
    CausalConv(24, 24, 4), nn.ReLU(), nn.Conv1d(24, 1, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(8):
    model.train()
    for batch in train[torch.randperm(len(train))].split(48):
        prediction = model(batch[:, None, :-1])[:, 0]
        loss = F.mse_loss(prediction, batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        history = val[:, :41]
        for _ in range(8):
            following = model(history[:, None])[:, 0, -1:]
            history = torch.cat([history, following], dim=1)
        error = F.mse_loss(history[:, 41:], val[:, 41:])
    r2 = 1 - error.item() / val[:, 41:].var().item()
    print(f"epoch {epoch} train mse {loss.item():.4f} forecast R2 {r2:.3f}")
