"""A GAN that makes brightness profiles of a photograph: 1d convolutions, weights initialized as in DCGAN."""
import torch
import torch.nn as nn
from skimage.data import camera
from torch.utils.data import DataLoader

torch.manual_seed(3)
photo = torch.tensor(camera(), dtype=torch.float32)
curves = photo[::2].unfold(1, 24, 24).reshape(-1, 1, 24)[::2]
curves = (curves - curves.mean()) / curves.std()
loader = DataLoader(curves, batch_size=64, shuffle=True, drop_last=True)


def weights_init(module):
    if isinstance(module, (nn.Conv1d, nn.ConvTranspose1d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.1)


netG = nn.Sequential(
    nn.Linear(8, 6 * 32), nn.Unflatten(1, (32, 6)), nn.BatchNorm1d(32), nn.ReLU(),
    nn.ConvTranspose1d(32, 16, 4, stride=2, padding=1), nn.BatchNorm1d(16), nn.ReLU(),
    nn.ConvTranspose1d(16, 1, 4, stride=2, padding=1),
)
netD = nn.Sequential(
    nn.Conv1d(1, 16, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
    nn.Conv1d(16, 32, 4, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(6 * 32, 1),
)
netG.apply(weights_init)
netD.apply(weights_init)
optG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))
optD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.functional.binary_cross_entropy_with_logits

for epoch in range(24):
    for real in loader:
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = netG(torch.randn(len(real), 8))
        loss_d = bce(netD(real), ones) + bce(netD(fake.detach()), zeros)
        optD.zero_grad()
        loss_d.backward()
        optD.step()

        loss_g = bce(netD(fake), ones)
        optG.zero_grad()
        loss_g.backward()
        optG.step()
    if epoch % 6 == 5:
        netG.eval()
        with torch.no_grad():
            made = netG(torch.randn(1000, 8))
        netG.train()
        error = (made.flatten(1).T.cov() - curves.flatten(1).T.cov()).norm() / curves.flatten(1).T.cov().norm()
        print(f"epoch {epoch + 1}: D {loss_d.item():.3f} G {loss_g.item():.3f} error of the covariance {error.item():.4f}")
