import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn, optim
from torch.nn.functional import mse_loss


class VAE(nn.Module):
    def __init__(self, features, hidden, latent):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(features, hidden), nn.LayerNorm(hidden), nn.SiLU())
        self.fc_mu = nn.Linear(hidden, latent)
        self.fc_var = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.SiLU(), nn.Linear(hidden, features))

    def encode(self, x):
        h = self.encoder(x)
        return self.fc_mu(h), self.fc_var(h)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) if self.training else mu

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decoder(self.reparameterize(mu, logvar)), mu, logvar


class utils:
    @staticmethod
    def kl_divergence(mu, logvar):
        return -0.5 * torch.mean(1 + logvar - mu.pow(2) - logvar.exp())


def train_trial(vae, cells, epochs=80, batch_size=32):
    optimizer = optim.Adam(vae.parameters(), lr=5e-3)
    vae.train()
    for epoch in range(epochs):
        sums = torch.zeros(2)
        for batch in cells[torch.randperm(len(cells))].split(batch_size):
            predicted, mu, logvar = vae(batch)
            recon_loss = mse_loss(predicted, batch)
            kl_loss = utils.kl_divergence(mu, logvar)
            total = recon_loss + 0.1 * kl_loss
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            sums += torch.stack([recon_loss, kl_loss]).detach() * len(batch)
        if epoch % 20 == 19:
            print("epoch", epoch, "recon, kl:", (sums / len(cells)).tolist())


torch.manual_seed(11)
cells = torch.tensor(StandardScaler().fit_transform(load_wine().data), dtype=torch.float32)
cells = cells[torch.randperm(len(cells))]
vae = VAE(cells.shape[1], 32, 4)
train_trial(vae, cells[:140])
vae.eval()
with torch.no_grad():
    explained = 1 - mse_loss(vae(cells[140:])[0], cells[140:]) / cells[140:].var()
print(f"explained variance {explained:.3f}")
