"""Three kinds of waves, classified by a 1-d convolution, with jitter and random scaling."""
import torch
from torch import nn

torch.manual_seed(3)


def waves(count):
    t = torch.linspace(0, 12, 64)
    kind = torch.randint(3, (count,))
    phase, speed = 6.28 * torch.rand(count, 1), 0.8 + 0.4 * torch.rand(count, 1)
    carrier = torch.sin(speed * t + phase)
    forms = torch.stack([carrier, carrier.sign(), torch.asin(carrier.clamp(-0.999, 0.999)) / 1.57], dim=1)
    return forms[torch.arange(count), kind] + 0.1 * torch.randn(count, 64), kind


def augment(x, jitter=5.0, stretch=2.0):
    factor = 1 + stretch * torch.randn(len(x), 1)
    return factor * x + jitter * torch.randn_like(x)


x, y = waves(1200)
x = (x - x[:900].mean()) / x[:900].std()
model = nn.Sequential(nn.Unflatten(1, (1, 64)), nn.Conv1d(1, 16, 5, stride=2), nn.ReLU(),
                      nn.Conv1d(16, 32, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(128, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(9):
    model.train()
    for rows in torch.randperm(900).split(30):
        loss = nn.functional.cross_entropy(model(augment(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[900:]).argmax(1) == y[900:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
