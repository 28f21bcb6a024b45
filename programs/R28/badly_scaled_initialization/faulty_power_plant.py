"""Power of a plant from the weather: a table, a small network, and an initialization of its own."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(37)
weather = torch.rand(1400, 4) * 2 - 1
temperature, pressure, humidity, vacuum = weather.T
power = -1.5 * temperature - torch.sin(2 * vacuum) + 0.4 * pressure * temperature + 0.3 * humidity.square()
power = ((power - power.mean()) / power.std() + 0.15 * torch.randn(1400)).unsqueeze(1)
loader = DataLoader(TensorDataset(weather[:1000], power[:1000]), batch_size=25, shuffle=True)


class Plant(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.8)

    def forward(self, x):
        return self.layers(x)


model = Plant()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(15):
    for xb, yb in loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = nn.functional.mse_loss(model(weather[1000:]), power[1000:]) / power[1000:].var()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - left.item():.4f}")
