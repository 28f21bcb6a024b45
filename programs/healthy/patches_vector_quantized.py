"""VQ-VAE on patches of a photograph: codebook and commitment losses, straight-through gradients."""
import numpy as np
import torch
from skimage import data
from torch import nn
from torch.nn import functional as F

torch.manual_seed(5)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class VectorQuantizer(nn.Module):
    def __init__(self, codes=64, width=16, commitment=0.25):
        super().__init__()
        self.codebook = nn.Embedding(codes, width)
        self.codebook.weight.data.uniform_(-1 / codes, 1 / codes)
        self.commitment = commitment

    def forward(self, z):
        flat = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        distance = flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.codebook.weight.t() + self.codebook.weight.pow(2).sum(1)
        index = distance.argmin(1)
        quantized = self.codebook(index).view(z.shape[0], *z.shape[2:], -1).permute(0, 3, 1, 2)
        loss = F.mse_loss(quantized, z.detach()) + self.commitment * F.mse_loss(z, quantized.detach())
        quantized = z + (quantized - z).detach()
        return quantized, loss, index


class VQVAE(nn.Module):
    def __init__(self, hidden=32, width=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, hidden, 4, 2, 1), nn.ReLU(), nn.Conv2d(hidden, hidden, 4, 2, 1), nn.ReLU(),
                                     nn.Conv2d(hidden, width, 1))
        self.quantizer = VectorQuantizer(width=width)
        self.decoder = nn.Sequential(nn.Conv2d(width, hidden, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(hidden, hidden, 4, 2, 1),
                                     nn.ReLU(), nn.ConvTranspose2d(hidden, 1, 4, 2, 1))

    def forward(self, x):
        quantized, loss, index = self.quantizer(self.encoder(x))
        return self.decoder(quantized), loss, index


picture = data.camera().astype(np.float32) / 255
windows = np.lib.stride_tricks.sliding_window_view(picture, (16, 16))[::8, ::8].reshape(-1, 1, 16, 16)
patches = torch.from_numpy(windows.copy())[torch.randperm(len(windows))] - 0.5
train, valid = patches[: int(0.85 * len(patches))].to(device), patches[int(0.85 * len(patches)):].to(device)
variance = train.var()
model = VQVAE().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(30):
    model.train()
    for batch in train[torch.randperm(len(train), device=device)].split(64):
        reconstruction, vq_loss, _ = model(batch)
        loss = F.mse_loss(reconstruction, batch) / variance + vq_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        model.eval()
        with torch.no_grad():
            reconstruction, _, index = model(valid)
            error = (F.mse_loss(reconstruction, valid) / variance).item()
            usage = torch.bincount(index, minlength=64).float() / len(index)
            perplexity = torch.exp(-(usage * (usage + 1e-10).log()).sum()).item()
        print(f"epoch {epoch + 1}: reconstruction {error:.4f} of the variance, codebook perplexity {perplexity:.1f}")
