"""Convolutional VAE of digits; the weight of the KL term grows from 0 to 1 during the first third."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class ConvVAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()
        )
        self.mu = nn.Linear(32 * 16, latent)
        self.logvar = nn.Linear(32 * 16, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 32 * 16), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.decoder(z), mu, logvar


def negative_elbo(x, logits, mu, logvar, beta):
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(x)
    return reconstruction + beta * kl, reconstruction, kl


def main():
    torch.manual_seed(20)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images, _ = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    x = x[torch.randperm(len(x))]
    loader = DataLoader(TensorDataset(x[:1500]), batch_size=50, shuffle=True)
    x_test = x[1500:].to(device)
    model = ConvVAE().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    epochs, step = 18, 0
    warmup = epochs * len(loader) // 3
    for epoch in range(epochs):
        model.train()
        for (batch,) in loader:
            batch = batch.to(device)
            step += 1
            loss, _, _ = negative_elbo(batch, *model(batch), beta=min(1.0, step / warmup))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 3 == 2:
            model.eval()
            with torch.no_grad():
                logits, mu, logvar = model(x_test)
                _, reconstruction, kl = negative_elbo(x_test, logits, mu, logvar, 1.0)
                error = F.mse_loss(logits.sigmoid(), x_test) / x_test.var(0).mean()
            print(f"epoch {epoch} reconstruction {reconstruction:.2f} kl {kl:.2f} unexplained variance {error:.4f}")


if __name__ == "__main__":
    main()
