"""A GAN on 8x8 digits with a pair of small fully connected networks."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(999)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
nz, batch_size, num_epochs = 24, 64, 60

images, labels = load_digits(return_X_y=True)
real_images = torch.tensor(images, dtype=torch.float32) / 8 - 1
dataloader = DataLoader(TensorDataset(real_images), batch_size=batch_size, shuffle=True, drop_last=True)

netG = nn.Sequential(
    nn.Linear(nz, 128), nn.BatchNorm1d(128), nn.ReLU(True),
    nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(True),
    nn.Linear(128, 64), nn.Tanh(),
).to(device)
netD = nn.Sequential(
    nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.2),
    nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1),
).to(device)

criterion = nn.BCEWithLogitsLoss()
optimizerD = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))


def statistics_gap():
    """Distance of the pixel means and of the pixel covariances between generated and real digits."""
    netG.eval()
    with torch.no_grad():
        fake = netG(torch.randn(1797, nz, device=device)).cpu()
    netG.train()
    mean_gap = (fake.mean(0) - real_images.mean(0)).pow(2).sum()
    return (mean_gap + (fake.T.cov() - real_images.T.cov()).pow(2).sum().sqrt()).item()


for epoch in range(num_epochs):
    errD_sum = errG_sum = 0.0
    for (real,) in dataloader:
        real = real.to(device)
        ones, zeros = torch.ones(batch_size, 1, device=device), torch.zeros(batch_size, 1, device=device)

        netD.zero_grad()
        errD_real = criterion(netD(real), ones)
        fake = netG(torch.randn(batch_size, nz, device=device))
        errD_fake = criterion(netD(fake.detach()), zeros)
        errD = errD_real + errD_fake
        errD.backward()
        optimizerD.step()

        netG.zero_grad()
        fake = netG(torch.randn(batch_size, nz, device=device))
        errG = criterion(netD(fake), ones)
        errG.backward()
        optimizerG.step()
        errD_sum += errD.item()
        errG_sum += errG.item()
    if epoch % 20 == 19:
        n = len(dataloader)
        print(f"[{epoch + 1}/{num_epochs}] Loss_D {errD_sum / n:.4f} Loss_G {errG_sum / n:.4f} statistics gap {statistics_gap():.4f}")
