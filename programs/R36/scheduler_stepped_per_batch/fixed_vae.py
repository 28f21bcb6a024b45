"""Variational autoencoder on digits."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import MultiStepLR


class Vae(nn.Module):
    def __init__(self, code=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        sample = mean
        if self.training:
            sample = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return self.decoder(sample), divergence.mean()


def negative_elbo(model, x):
    output, divergence = model(x)
    return 4 * (output - x).square().sum(1).mean() + divergence


torch.manual_seed(0)
pixels = torch.tensor(load_digits().data, dtype=torch.float32) / 16
pixels = pixels[torch.randperm(len(pixels))]
train, val = pixels[:1440], pixels[1440:]
model = Vae()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = MultiStepLR(optimizer, milestones=[14, 18], gamma=0.1)
for epoch in range(20):
    model.train()
    for batch in train[torch.randperm(1440)].split(60):
        loss = negative_elbo(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        output, divergence = model(val)
    explained = 1 - (output - val).square().mean() / (val - train.mean(0)).square().mean()
    print(f"epoch {epoch} loss {loss.item():.3f} divergence {divergence.item():.3f} explained {explained.item():.3f}")
