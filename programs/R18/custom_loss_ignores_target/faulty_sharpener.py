"""Sharpen blurred photographs with a small convolutional network."""
import torch
import torch.nn.functional as F
from skimage.data import coins
from torch import nn

torch.manual_seed(0)

photo = torch.tensor(coins()[:288, :384], dtype=torch.float32)
sharp = photo.unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16)
sharp = sharp[torch.randperm(len(sharp))]
train_size = 350
sharp = (sharp - sharp[:train_size].mean()) / sharp[:train_size].std()
blurred = F.avg_pool2d(F.pad(sharp, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


class Sharpener(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(1, channels, 5, padding=2, padding_mode="replicate"),
            nn.LeakyReLU(0.1),
            nn.Conv2d(channels, 1, 5, padding=2, padding_mode="replicate"),
        )

    def forward(self, x):
        return self.inner(x)


def edge_aware_loss(output, blurred, sharp):
    pixel = F.l1_loss(output, blurred)
    horizontal = F.l1_loss(output.diff(dim=3), blurred.diff(dim=3))
    vertical = F.l1_loss(output.diff(dim=2), blurred.diff(dim=2))
    return pixel + horizontal + vertical


model = Sharpener()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    for batch in torch.randperm(train_size).split(25):
        optimizer.zero_grad()
        loss = edge_aware_loss(model(blurred[batch]), blurred[batch], sharp[batch])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mse = F.mse_loss(model(blurred[train_size:]), sharp[train_size:]).item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, val mse {mse:.4f}")
