"""A small DCGAN on the 8x8 digits."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

torch.manual_seed(4)
images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1
loader = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)
noise = 32

generator = nn.Sequential(
    nn.ConvTranspose2d(noise, 64, 4), nn.BatchNorm2d(64), nn.ReLU(),
    nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(),
)
discriminator = nn.Sequential(
    nn.Conv2d(1, 32, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
    nn.Conv2d(32, 64, 4), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1),
)
optimizer_g = torch.optim.Adam(generator.parameters(), lr=2, betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=5e-4, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()


def gap():
    """Frobenius distance between the second moments of generated and real pixels, relative to the real ones."""
    generator.eval()
    with torch.no_grad():
        made = generator(torch.randn(1000, noise, 1, 1)).flatten(1)
    generator.train()
    real = images.flatten(1)
    moment = real.T @ real / len(real)
    return ((made.T @ made / len(made) - moment).norm() / moment.norm()).item()


for epoch in range(12):
    for real in loader:
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

        optimizer_d.zero_grad()
        criterion(discriminator(real), ones).backward()
        fake = generator(torch.randn(len(real), noise, 1, 1))
        criterion(discriminator(fake.detach()), zeros).backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        criterion(discriminator(fake), ones).backward()
        optimizer_g.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: gap between generated and real digits {gap():.4f}")
