"""Handwritten digits are squeezed into a code of a few numbers and restored by a convolutional autoencoder."""
import torch
from sklearn.datasets import load_digits
from torch import nn

images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16
torch.manual_seed(41)
images = images[torch.randperm(len(images))]
train, test = images[:1400], images[1400:]


def autoencoder(code):
    encoder = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.GELU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GELU(), nn.Flatten(),
                            nn.Linear(128, code))  # fmt: skip
    decoder = nn.Sequential(nn.Linear(code, 128), nn.GELU(), nn.Unflatten(1, (32, 2, 2)),
                            nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.GELU(), nn.ConvTranspose2d(16, 1, 4, 2, 1))  # fmt: skip
    return nn.Sequential(encoder, decoder)


model = autoencoder(code=24)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(10):
    for batch in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = (model(test) - test).square().sum() / (test - train.mean(0)).square().sum()
    print(f"epoch {epoch}: loss {loss.item():.4f} test R2 {1 - left:.4f}")
