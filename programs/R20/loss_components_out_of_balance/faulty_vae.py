import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)

data = torch.tensor(load_digits().data, dtype=torch.float32)
data = data[torch.randperm(len(data))]
train, val = data[:1500], data[1500:]
mean, std = train.mean(), train.std()
train, val = (train - mean) / std, (val - mean) / std
loader = DataLoader(train, batch_size=50, shuffle=True)


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU())
        self.mu = nn.Linear(96, latent)
        self.log_var = nn.Linear(96, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        h = self.encoder(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
        return self.decoder(z), mu, log_var


vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
beta = 10.0


def elbo_terms(x):
    output, mu, log_var = vae(x)
    reconstruction = (output - x).square().mean()
    divergence = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(dim=1).mean()
    return reconstruction, divergence


for epoch in range(14):
    for x in loader:
        reconstruction, divergence = elbo_terms(x)
        loss = reconstruction + beta * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_reconstruction, val_divergence = elbo_terms(val)
    print(f"epoch {epoch}: loss {loss:.3f}, KL {val_divergence:.3f}, reconstruction {val_reconstruction:.3f}")
