import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

torch.manual_seed(21)
real = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
loader = DataLoader(real, batch_size=64, shuffle=True, drop_last=True)

latent = 16
G = nn.Sequential(nn.Linear(latent, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.Tanh())
D = nn.Sequential(nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=3e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()


def mean_image_distance():
    G.eval()
    with torch.no_grad():
        fake = G(torch.randn(500, latent))
    G.train()
    return (fake.mean(0) - real.mean(0)).norm().item()


for epoch in range(14):
    for x in loader:
        ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)

        fake = G(torch.randn(len(x), latent))
        loss_d = bce(D(x), ones) + bce(D(fake.detach()), zeros)
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = bce(D(fake), ones)
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
    print(f"epoch {epoch}: D {loss_d.item():.3f} G {loss_g.item():.3f} distance {mean_image_distance():.3f}")
