import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(33)
np.random.seed(33)

batch_size = 100
side = 12
original_dim = side * side
latent_dim = 4
intermediate_dim = 96
nb_epoch = 25


def flower(n):
    yy, xx = np.mgrid[:side, :side].astype(np.float32)
    out = []
    for _ in range(n):
        cy, cx = np.random.uniform(4, 7, 2)
        r0 = np.random.uniform(2.0, 4.5)
        squash = np.random.uniform(0.6, 1.4)
        d = np.sqrt(((yy - cy) * squash) ** 2 + (xx - cx) ** 2)
        img = 1 / (1 + np.exp(2.5 * (d - r0)))
        out.append(img.reshape(-1))
    return torch.tensor(np.stack(out), dtype=torch.float32)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.Linear(original_dim, intermediate_dim)
        self.z_mean = nn.Linear(intermediate_dim, latent_dim)
        self.z_log_var = nn.Linear(intermediate_dim, latent_dim)

    def forward(self, x):
        h = F.relu(self.h(x))
        return self.z_mean(h), self.z_log_var(h)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder_h = nn.Linear(latent_dim, intermediate_dim)
        self.decoder_mean = nn.Linear(intermediate_dim, original_dim)

    def forward(self, z):
        return torch.sigmoid(self.decoder_mean(F.relu(self.decoder_h(z))))


def sampling(z_mean, z_log_var):
    epsilon = torch.randn_like(z_mean)
    return z_mean + torch.exp(z_log_var / 2) * epsilon


def vae_loss(x, recon, z_mean, z_log_var):
    xent_loss = F.binary_cross_entropy(recon, x)
    kl_loss = -0.5 * torch.sum(1 + z_log_var - z_mean.pow(2) - z_log_var.exp(), dim=-1).mean()
    return xent_loss + kl_loss


def reconstruction_r2(enc, dec, x):
    enc.eval()
    dec.eval()
    with torch.no_grad():
        recon = dec(enc(x)[0])
    return 1 - ((recon - x) ** 2).sum().item() / ((x - x.mean(0)) ** 2).sum().item()


x_train, x_test = flower(3000), flower(500)
encoder, decoder = Encoder(), Decoder()
params = list(encoder.parameters()) + list(decoder.parameters())
optimizer = torch.optim.Adam(params, lr=2e-3)

for epoch in range(nb_epoch):
    encoder.train()
    decoder.train()
    perm = torch.randperm(len(x_train))
    running = []
    for i in range(0, len(perm), batch_size):
        x = x_train[perm[i:i + batch_size]]
        z_mean, z_log_var = encoder(x)
        recon = decoder(sampling(z_mean, z_log_var))
        loss = vae_loss(x, recon, z_mean, z_log_var)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    if epoch % 4 == 0:
        print(f'Epoch {epoch}: loss {np.mean(running):.4f} recon R2 {reconstruction_r2(encoder, decoder, x_test):.3f}')

sample = decoder(torch.randn(5, latent_dim))
print('spread of decoded samples', round(sample.std(0).mean().item(), 4))
print(f'final test reconstruction R2: {reconstruction_r2(encoder, decoder, x_test):.3f}')
