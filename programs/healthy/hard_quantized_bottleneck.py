"""Codes of a learned codebook, with the gradient passed straight through."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class Quantizer(nn.Module):
    def __init__(self, codes=32, dim=4):
        super().__init__()
        self.codebook = nn.Embedding(codes, dim)
        nn.init.uniform_(self.codebook.weight, -0.5, 0.5)

    def forward(self, z):
        flat = z.reshape(-1, z.shape[-1])
        index = torch.cdist(flat, self.codebook.weight).argmin(1)
        q = self.codebook(index).view_as(z)
        loss = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        return z + (q - z).detach(), loss, index


class VQ(nn.Module):
    def __init__(self, slots=8, dim=4):
        super().__init__()
        self.slots, self.dim = slots, dim
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, slots * dim))
        self.quantizer = Quantizer(dim=dim)
        self.decoder = nn.Sequential(nn.Linear(slots * dim, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        z = self.encoder(x).view(len(x), self.slots, self.dim)
        q, vq, index = self.quantizer(z)
        return self.decoder(q.flatten(1)), vq, index


torch.manual_seed(0)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
train, test = x[:1500], x[1500:]
net = VQ()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(12):
    for b in train[torch.randperm(1500)].split(50):
        recon, vq, _ = net(b)
        loss = F.mse_loss(recon, b) + 0.3 * vq
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        recon, _, index = net(test)
        print(f"epoch {epoch} codes {index.unique().numel()} test mse {F.mse_loss(recon, test).item():.4f}")
