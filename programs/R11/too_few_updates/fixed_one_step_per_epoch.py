"""Denoise texture patches; gradients of the whole epoch are summed before the step."""
import torch
from skimage import data
from torch import nn

torch.manual_seed(4)
patches = torch.tensor(data.camera()).unfold(0, 12, 12).unfold(1, 12, 12).reshape(-1, 1, 12, 12).float()
patches = patches[torch.randperm(len(patches))][:1000]
patches = (patches - patches[:800].mean()) / patches[:800].std()
noisy = patches + 0.5 * torch.randn_like(patches)
model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
                      nn.Conv2d(16, 1, 3, padding=1))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(800).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(noisy[rows]), patches[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(noisy[800:]), patches[800:]).item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val mse {val:.3f}")
