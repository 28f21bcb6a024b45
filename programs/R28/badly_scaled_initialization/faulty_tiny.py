"""Autoencoder for 8x8 patches of a photograph."""
import torch
from skimage.data import camera
from torch import nn

torch.manual_seed(0)
photo = torch.tensor(camera(), dtype=torch.float32) / 255
patches = photo.unfold(0, 8, 8).unfold(1, 8, 8).reshape(-1, 64)
patches = patches[torch.randperm(len(patches))][:2400]
train, val = patches[:2000], patches[2000:]
mean, std = train.mean(0), train.std(0)
train, val = (train - mean) / std, (val - mean) / std


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 16))
        self.decoder = nn.Sequential(nn.Linear(16, 48), nn.Tanh(), nn.Linear(48, 64))
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.001)
            else:
                nn.init.zeros_(parameter)

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = Autoencoder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for epoch in range(12):
    model.train()
    for batch in train[torch.randperm(len(train))].split(64):
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        explained = 1 - nn.functional.mse_loss(model(val), val) / val.pow(2).mean()
    print(f"epoch {epoch} loss {loss.item():.4f} explained variance {explained.item():.3f}")
