from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim
from torch.nn import functional as F


@dataclass
class Hparams:
    latent_dim: int = 8
    lr: float = 2e-3
    epochs: int = 15
    batch_size: int = 64
    channels: list = field(default_factory=lambda: [16, 32])


class ConvVAE(nn.Module):
    def __init__(self, hp: Hparams):
        super().__init__()
        a, b = hp.channels
        self.enc = nn.Sequential(nn.Conv2d(1, a, 3, 2, 1), nn.ReLU(), nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), nn.Flatten())
        self.mu, self.logvar = nn.Linear(b * 4, hp.latent_dim), nn.Linear(b * 4, hp.latent_dim)
        self.dec = nn.Sequential(
            nn.Linear(hp.latent_dim, b * 4), nn.ReLU(), nn.Unflatten(1, (b, 2, 2)),
            nn.ConvTranspose2d(b, a, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(a, 1, 4, 2, 1),
        )  # fmt: skip

    def forward(self, x: Tensor):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return torch.sigmoid(self.dec(z)), mu, logvar


def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    BCE = F.binary_cross_entropy(recon_x, x, reduction="sum") / len(x)
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return BCE + KLD


def main() -> None:
    torch.manual_seed(1)
    hp = Hparams()
    data = torch.tensor(load_digits().images / 16, dtype=torch.float32).unsqueeze(1)
    train, test = data[:1500], data[1500:]
    model = ConvVAE(hp)
    optimizer = optim.Adam(model.parameters(), lr=hp.lr)
    for epoch in range(hp.epochs):
        model.train()
        train_loss = 0.0
        for batch in train[torch.randperm(len(train))].split(hp.batch_size):
            optimizer.zero_grad()
            recon, mu, logvar = model(batch)
            loss = loss_function(recon, batch, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
        print(f"====> Epoch: {epoch} Average loss: {train_loss / (len(train) / hp.batch_size):.4f}")
    model.eval()
    with torch.no_grad():
        recon, _, _ = model(test)
        r2 = 1 - ((recon - test) ** 2).sum() / ((test - train.mean(0)) ** 2).sum()
    print(f"reconstruction R2 {r2:.3f}")


main()
