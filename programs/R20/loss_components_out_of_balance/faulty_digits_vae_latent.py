"""Variational autoencoder for handwritten digits (8x8), notebook export."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

LATENT_DIM = 8
BATCH_SIZE = 64
EPOCHS = 40
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

# %% data
images = load_digits().images.astype(np.float32) / 16.0
train_images, test_images = train_test_split(images, test_size=0.2, random_state=0)
train_loader = DataLoader(TensorDataset(torch.tensor(train_images)), batch_size=BATCH_SIZE, shuffle=True)
test_loader = DataLoader(TensorDataset(torch.tensor(test_images)), batch_size=BATCH_SIZE)


# %% model
class VAE(nn.Module):
    def __init__(self, latent_dim=LATENT_DIM):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, 8)),
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 4, 64), nn.ReLU(),
        )
        self.to_mu = nn.Linear(64, latent_dim)
        self.to_logvar = nn.Linear(64, latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 64), nn.ReLU(),
            nn.Linear(64, 32 * 4), nn.ReLU(), nn.Unflatten(1, (32, 2, 2)),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1), nn.Sigmoid(),
        )

    def reparameterize(self, mu, logvar):
        if not self.training:
            return mu
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.to_mu(h), self.to_logvar(h)
        z = self.reparameterize(mu, logvar)
        return self.decoder(z).squeeze(1), mu, logvar


def vae_loss(recon, x, mu, logvar):
    recon_loss = F.mse_loss(recon, x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1).mean()
    return recon_loss + kl, recon_loss, kl


# %% training
def main():
    torch.manual_seed(0)
    model = VAE().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, EPOCHS + 1):
        model.train()
        sums = np.zeros(3)
        for (x,) in train_loader:
            x = x.to(device)
            optimizer.zero_grad()
            recon, mu, logvar = model(x)
            loss, rec, kl = vae_loss(recon, x, mu, logvar)
            loss.backward()
            optimizer.step()
            sums += len(x) * np.array([loss.item(), rec.item(), kl.item()])
        sums /= len(train_loader.dataset)

        if epoch % 4 == 0:
            model.eval()
            mse = 0.0
            with torch.no_grad():
                for (x,) in test_loader:
                    x = x.to(device)
                    mse += F.mse_loss(model(x)[0], x, reduction="sum").item()
            mse /= test_images.size
            print(f"Epoch {epoch:3d} | loss {sums[0]:.4f} rec {sums[1]:.4f} kl {sums[2]:.4f} | test recon mse {mse:.5f}")


if __name__ == "__main__":
    main()
