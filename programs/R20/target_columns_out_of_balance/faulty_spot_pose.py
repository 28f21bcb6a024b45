"""Position (pixels) and brightness (0 to 1) of a spot in a noisy picture."""
import torch
from torch import nn


def pictures(count, side=20):
    row, column = torch.rand(count, 1) * (side - 6) + 3, torch.rand(count, 1) * (side - 6) + 3
    brightness = torch.rand(count, 1) * 0.8 + 0.2
    axis = torch.arange(side).float()
    spot = torch.exp(-0.15 * ((axis - row)[:, :, None] ** 2 + (axis - column)[:, None, :] ** 2))
    images = brightness[:, :, None] * spot + 0.05 * torch.randn(count, side, side)
    return images[:, None], torch.cat([row * PIXEL, column * PIXEL, brightness], 1)


class Pose(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, 2, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(16 * 25, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, images):
        return self.head(self.features(images))


PIXEL = 25.0  # micrometres
torch.manual_seed(3)
images, pose = pictures(1500)
offset, unit = pose[:1200].mean(0), torch.tensor(50.0)
targets = (pose - offset) / unit
model = Pose()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(1200).split(30):
        error = model(images[rows]) - targets[rows]
        loss = (error**2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        missed = (model(images[1200:]) - targets[1200:]).square().mean(0) / targets[1200:].var(0)
    print(f"epoch {epoch + 1}: loss {loss.item():.4f}, unexplained {missed.max().item():.3f}, R2 {1 - missed[2].item():.4f}")
