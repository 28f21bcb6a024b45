"""Mean and spread of the next value, by maximum likelihood."""
import torch
from torch import nn

torch.manual_seed(0)
t = torch.arange(2000, dtype=torch.float32)
level = torch.sin(t / 8) + 0.4 * torch.sin(t / 3)
series = level + (0.05 + 0.1 * torch.sin(t / 40).abs()) * torch.randn(2000)
series = (series - series[:1500].mean()) / series[:1500].std()
windows = series.unfold(0, 17, 1)
train, val = windows[:1480], windows[1500:]

body = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
head = nn.Linear(64, 2)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=2e-3)


def likelihood(x, y):
    mean, raw = head(body(x)).chunk(2, dim=1)
    sigma = nn.functional.softplus(raw) + 1e-3
    return torch.log(sigma).mean() + (((y - mean) / sigma) ** 2).mean() / 2, mean


for epoch in range(12):
    for rows in torch.randperm(len(train)).split(64):
        loss, _ = likelihood(train[rows, :16], train[rows, 16:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss, mean = likelihood(val[:, :16], val[:, 16:])
    r2 = 1 - nn.functional.mse_loss(mean, val[:, 16:]) / val[:, 16].var()
    print(f"epoch {epoch} nll {loss.item():.4f} R2 {r2.item():.3f} val nll {val_loss.item():.4f}")
