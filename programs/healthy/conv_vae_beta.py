import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class BetaVAE(nn.Module):
    def __init__(self, z=6):
        super().__init__()
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ELU(), nn.Linear(96, 2 * z))
        self.decode = nn.Sequential(nn.Linear(z, 96), nn.ELU(), nn.Linear(96, 64))

    def forward(self, x):
        mu, logvar = self.encode(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.decode(z), mu, logvar


def elbo(logits, x, mu, logvar, beta):
    rec = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="none").sum(1)
    kl = 0.5 * (mu.pow(2) + logvar.exp() - 1 - logvar).sum(1)
    return (rec + beta * kl).mean(), rec.mean(), kl.mean()


torch.manual_seed(0)
x = torch.tensor(load_digits().images / 16, dtype=torch.float32)
train, test = x[:1500], x[1500:]
vae = BetaVAE()
opt = torch.optim.Adam(vae.parameters(), lr=3e-3)
for epoch in range(15):
    beta = min(1.0, epoch / 8)  # the loss rises while beta does
    vae.train()
    for batch in train[torch.randperm(1500)].split(60):
        loss, rec, kl = elbo(*[(o := vae(batch))[0], batch, o[1], o[2]], beta)
        opt.zero_grad()
        loss.backward()
        opt.step()
    vae.eval()
    with torch.no_grad():
        out, _, _ = vae(test)
        mse = (torch.sigmoid(out) - test.flatten(1)).pow(2).mean()
    print(f"epoch {epoch:2d} beta {beta:.2f} rec {rec.item():.2f} kl {kl.item():.2f} test mse {mse.item():.4f}")
