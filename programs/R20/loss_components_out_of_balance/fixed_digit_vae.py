import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self, n_pixels=64, hidden=128, latent=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(n_pixels, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.to_mu = nn.Linear(hidden, latent)
        self.to_logvar = nn.Linear(hidden, latent)
        self.dec = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, n_pixels)
        )

    def encode(self, x):
        h = self.enc(x)
        return self.to_mu(h), self.to_logvar(h)

    def reparametrize(self, mu, logvar):
        if not self.training:
            return mu
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparametrize(mu, logvar)
        return torch.sigmoid(self.dec(z)), mu, logvar


def vae_loss(recon, x, mu, logvar):
    rec = F.binary_cross_entropy(recon, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return rec + kl, rec, kl


def load_images():
    X = load_digits().data / 16.0
    X = torch.tensor(X, dtype=torch.float32)
    perm = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    return X[perm[:1500]], X[perm[1500:]]


def relative_error(model, X_test, mean_image):
    model.eval()
    with torch.no_grad():
        recon, _, _ = model(X_test)
    return (F.mse_loss(recon, X_test) / F.mse_loss(mean_image.expand_as(X_test), X_test)).item()


def ascii_digit(v):
    chars = " .:-=+*#%@"
    return ["".join(chars[min(9, int(p * 10))] for p in row) for row in v.view(8, 8).tolist()]


def main():
    torch.manual_seed(0)
    X_train, X_test = load_images()
    loader = DataLoader(TensorDataset(X_train), batch_size=50, shuffle=True)
    model = VAE()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, 41):
        model.train()
        tot = torch.zeros(3)
        for (x,) in loader:
            recon, mu, logvar = model(x)
            loss, rec, kl = vae_loss(recon, x, mu, logvar)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += torch.stack([loss, rec, kl]).detach()
        if epoch % 8 == 0:
            a, b, c = (tot / len(loader)).tolist()
            print(f"epoch {epoch:2d} loss {a:.3f} recon {b:.3f} kl {c:.3f}")

    with torch.no_grad():
        recon, _, _ = model.eval()(X_test[:2])
    for left, right in zip(ascii_digit(X_test[0]), ascii_digit(recon[0])):
        print(left, "|", right)
    print(f"relative reconstruction error: {relative_error(model, X_test, X_train.mean(0)):.3f}")


if __name__ == "__main__":
    main()
