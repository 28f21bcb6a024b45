"""Convolutional autoencoder for digits."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class ConvAutoencoder(nn.Module):
    def __init__(self, code):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, code)
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 256), nn.ReLU(), nn.Unflatten(1, (16, 4, 4)), nn.ConvTranspose2d(16, 1, 2, stride=2)
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


torch.manual_seed(0)
images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1)
images = images[torch.randperm(len(images))]
train, val = images[:1440], images[1440:]
mean, std = train.mean(), train.std()
train, val = (train - mean) / std, (val - mean) / std

model = ConvAutoencoder(code=1)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(14):
    model.train()
    for batch in train[torch.randperm(len(train))].split(60):
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(val), val).item()
    explained = 1 - error / (val - train.mean(0)).pow(2).mean().item()
    print(f"epoch {epoch} train {loss.item():.4f} explained {explained:.3f}")
