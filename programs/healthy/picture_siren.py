"""An implicit picture: a sine network from coordinates to grey values, fitted to all pixels at every step."""
import numpy as np
import torch
from skimage import data
from skimage.transform import resize
from torch import nn

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class SineLayer(nn.Module):
    def __init__(self, inputs, outputs, first=False, omega=30.0):
        super().__init__()
        self.linear, self.omega = nn.Linear(inputs, outputs), omega
        bound = 1 / inputs if first else np.sqrt(6 / inputs) / omega
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.omega * self.linear(x))


class Siren(nn.Module):
    def __init__(self, width=64, depth=2):
        super().__init__()
        self.net = nn.Sequential(SineLayer(2, width, first=True), *(SineLayer(width, width) for _ in range(depth)), nn.Linear(width, 1))
        bound = np.sqrt(6 / width) / 30
        nn.init.uniform_(self.net[-1].weight, -bound, bound)

    def forward(self, coordinates):
        return self.net(coordinates)


side = 64
picture = resize(data.camera(), (side, side), anti_aliasing=True)
pixels = ((torch.tensor(picture, dtype=torch.float32) - 0.5) / 0.5).view(-1, 1).to(device)
axis = torch.linspace(-1, 1, side)
coordinates = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).view(-1, 2).to(device)
model = Siren().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
for step in range(801):
    loss = ((model(coordinates) - pixels) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.5f}, psnr {-10 * np.log10(loss.item() / 4):.1f} dB")
