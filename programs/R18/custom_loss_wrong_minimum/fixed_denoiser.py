"""Denoise patches of a photograph."""
import torch
from skimage.data import camera
from torch import nn

torch.manual_seed(0)

photo = torch.tensor(camera(), dtype=torch.float32)
patches = photo.unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)
patches = patches[torch.randperm(len(patches))]
n = int(0.8 * len(patches))
patches = (patches - patches[:n].mean()) / patches[:n].std()
noisy = patches + 0.5 * torch.randn_like(patches)


def reconstruction_loss(output, clean):
    per_image = ((output - clean) ** 2).mean(dim=(1, 2, 3))
    return per_image.mean()


model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 1, 3, padding=1),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

for epoch in range(7):
    for batch in torch.randperm(n).split(32):
        optimizer.zero_grad()
        loss = reconstruction_loss(model(noisy[batch]), patches[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mse = nn.functional.mse_loss(model(noisy[n:]), patches[n:]).item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, val mse {mse:.4f} (noise 0.25)")
