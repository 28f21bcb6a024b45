import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)


class NoisyPatches(Dataset):
    def __init__(self, patches, noise=0.5):
        self.patches, self.noise = patches, noise

    def __len__(self):
        return len(self.patches)

    def __getitem__(self, i):
        clean = self.patches[i]
        return clean + self.noise * torch.randn_like(clean), clean


class TinyUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.leave = nn.Conv2d(32, 1, 3, padding=1)

    def forward(self, x):
        skip = self.enter(x)
        h = self.up(self.middle(self.down(skip)))
        return self.leave(torch.cat([h, skip], dim=1))


patches = torch.tensor(data.camera()).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float()
patches = patches[torch.randperm(len(patches))]
mean, std = patches[:800].mean(), patches[:800].std()
patches = (patches - mean) / std
train_loader = DataLoader(NoisyPatches(patches[:800]), batch_size=20, shuffle=True)
val_loader = DataLoader(NoisyPatches(patches[800:]), batch_size=224)
model = TinyUNet()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(4):
    model.train()
    for noisy, clean in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(noisy), clean)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = sum(nn.functional.mse_loss(model(noisy), clean).item() for noisy, clean in val_loader)
    print(f"epoch {epoch}: train {loss.item():.4f} val mse {val:.4f} (noise alone 0.25)")
