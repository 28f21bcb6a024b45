"""Toy GAN: learn the two-moons density. Generator and discriminator have their own optimizers."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_moons

torch.manual_seed(2)
LATENT = 4
BATCH = 128
STEPS = 2500


def real_data(n=4000):
    x, _ = make_moons(n, noise=0.05, random_state=0)
    x = torch.tensor(x, dtype=torch.float32)
    return (x - x.mean(0)) / x.std(0)


def mlp(n_in, n_out, width=64):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2),
        nn.Linear(width, width), nn.LeakyReLU(0.2),
        nn.Linear(width, n_out),
    )


class GAN:
    def __init__(self):
        self.G = mlp(LATENT, 2)
        self.D = mlp(2, 1)
        self.opt_g = torch.optim.Adam(self.G.parameters(), lr=5e-4, betas=(0.5, 0.99))
        self.opt_d = torch.optim.Adam(self.D.parameters(), lr=1e-3, betas=(0.5, 0.99))

    def sample(self, n):
        return self.G(torch.randn(n, LATENT))

    def d_step(self, real):
        fake = self.sample(len(real)).detach()
        # a little instance noise keeps D honest
        d_real = self.D(real + 0.05 * torch.randn_like(real))
        d_fake = self.D(fake + 0.05 * torch.randn_like(fake))
        loss = F.binary_cross_entropy_with_logits(d_real, torch.full_like(d_real, 0.9)) \
            + F.binary_cross_entropy_with_logits(d_fake, torch.zeros_like(d_fake))
        self.opt_d.zero_grad()
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def g_step(self, n):
        out = self.D(self.sample(n))
        loss = F.binary_cross_entropy_with_logits(out, torch.ones_like(out))
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()


@torch.no_grad()
def energy_distance(a, b):
    """0 for equal distributions."""
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    data = real_data()
    holdout, data = data[:1000], data[1000:]
    gan = GAN()
    d_avg = g_avg = 0.0
    for step in range(1, STEPS + 1):
        real = data[torch.randint(len(data), (BATCH,))]
        d_avg += gan.d_step(real)
        g_avg += gan.g_step(BATCH)
        if step % 250 == 0:
            with torch.no_grad():
                fake = gan.sample(1000)
            print(f"step {step:4d} loss D {d_avg / 250:.3f} loss G {g_avg / 250:.3f} "
                  f"energy distance {energy_distance(fake, holdout):.4f}")
            d_avg = g_avg = 0.0


if __name__ == "__main__":
    main()
