"""Which of six springs? A transformer over measured positions; classes are told by the distance to learned prototypes."""
import torch
from torch import nn

torch.manual_seed(15)
t = torch.linspace(0, 3, 24)


def springs(count):
    kind = torch.randint(6, (count,))
    damping, rate = 0.3 + 0.7 * (kind[:, None] % 2), 3.0 + 2.5 * (kind[:, None] // 2)
    start = 0.5 + torch.rand(count, 1)
    x = start * (-damping * t).exp() * (rate * t).cos()
    return (x + 0.03 * torch.randn_like(x)).unsqueeze(2), kind


class Prototypes(nn.Module):
    """Minus the squared distance of unit vectors, over a temperature."""

    def __init__(self, features, kinds, temperature=0.05):
        super().__init__()
        self.centres, self.temperature = nn.Parameter(torch.randn(kinds, features)), temperature

    def forward(self, x):
        x, centres = (nn.functional.normalize(item, dim=1) for item in (x, self.centres))
        return -torch.cdist(x, centres).square() / self.temperature


class Springs(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.inputs, self.places = nn.Linear(1, width), nn.Parameter(0.3 * torch.randn(24, width))
        self.encoder = nn.TransformerEncoderLayer(width, 4, 64, 0.0, batch_first=True)
        self.out = Prototypes(width, 6)

    def forward(self, x):
        return self.out(self.encoder(self.inputs(x) + self.places).mean(1))


x, y = springs(1500)
x_test, y_test = springs(300)
model = Springs()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
