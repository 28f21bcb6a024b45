"""Code and decode 8 x 8 patches of a photograph; encoder and decoder have an optimizer each."""
import torch
import torch.nn.functional as F
from skimage.data import gravel
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)

photo = torch.tensor(gravel(), dtype=torch.float32).view(256, 2, 256, 2).mean(dim=(1, 3))
patches = photo.unfold(0, 8, 8).unfold(1, 8, 8).reshape(-1, 1, 8, 8)
patches = patches[torch.randperm(len(patches))]
patches = (patches - patches[:850].mean()) / patches[:850].std()
train_loader = DataLoader(patches[:850], batch_size=50, shuffle=True)
val = patches[850:]

encoder = nn.Sequential(
    nn.Conv2d(1, 16, 4, stride=2, padding=1),
    nn.LeakyReLU(0.1),
    nn.Flatten(),
    nn.Linear(256, 8),
)
decoder = nn.Sequential(
    nn.Linear(8, 256),
    nn.LeakyReLU(0.1),
    nn.Unflatten(1, (16, 4, 4)),
    nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
)
encoder_optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=3e-3)

for epoch in range(16):
    losses = []
    for x in train_loader:
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()
        loss = F.mse_loss(decoder(encoder(x)), x)
        loss.backward()
        encoder_optimizer.step()
        decoder_optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        val_loss = F.mse_loss(decoder(encoder(val)), val).item()
    print(f"epoch {epoch}: train mse {sum(losses) / len(losses):.4f}, val mse {val_loss:.4f}")
