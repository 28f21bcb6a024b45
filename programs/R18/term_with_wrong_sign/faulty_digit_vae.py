import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


class VAE(nn.Module):
    def __init__(self, d=64, h=96, z=6):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.mu, self.logvar = nn.Linear(h, z), nn.Linear(h, z)
        self.dec = nn.Sequential(nn.Linear(z, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, d))

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h).clamp(-8, 4)
        return self.dec(self.reparameterize(mu, logvar)), mu, logvar


def elbo_loss(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return rec + kl, rec, kl


class Experiment:
    def __init__(self, epochs=60, lr=1e-3, batch=64):
        torch.manual_seed(13)
        x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
        train, test = random_split(TensorDataset(x), [1500, len(x) - 1500])
        self.train_loader = DataLoader(train, batch_size=batch, shuffle=True)
        self.test_x = torch.stack([row[0] for row in test])
        self.model = VAE()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.epochs = epochs

    def train_epoch(self):
        self.model.train()
        sums = torch.zeros(3)
        for (x,) in self.train_loader:
            logits, mu, logvar = self.model(x)
            loss, rec, kl = elbo_loss(logits, x, mu, logvar)
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 100.0)
            self.opt.step()
            sums += torch.tensor([loss.item(), rec.item(), kl.item()])
        return (sums / len(self.train_loader)).tolist()

    @torch.no_grad()
    def test_mse(self):
        self.model.eval()
        logits, _, _ = self.model(self.test_x)
        return F.mse_loss(torch.sigmoid(logits), self.test_x).item()

    def run(self):
        for e in range(self.epochs):
            loss, rec, kl = self.train_epoch()
            if e % 5 == 4:
                print(f"epoch {e + 1} loss {loss:.2f} rec {rec:.2f} kl {kl:.2f} test_mse {self.test_mse():.4f}")


Experiment().run()
