"""A Wasserstein GAN with gradient penalty that makes rows of the breast cancer table."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(12)
table = torch.tensor(StandardScaler().fit_transform(load_breast_cancer().data[:, :10]), dtype=torch.float32)


def network(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, outputs)
    )


generator, critic = network(8, 10), network(10, 1)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
c_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-6, betas=(0.5, 0.9))


def correlation_error():
    """Largest difference between the correlations of two columns in generated and in real rows."""
    with torch.no_grad():
        made = generator(torch.randn(2000, 8))
    return (torch.corrcoef(made.T) - torch.corrcoef(table.T)).abs().max().item()


for step in range(1, 401):
    for _ in range(3):
        real = table[torch.randint(len(table), (64,))]
        fake = generator(torch.randn(64, 8)).detach()
        share = torch.rand(64, 1)
        between = (share * real + (1 - share) * fake).requires_grad_()
        slope = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
        loss_c = critic(fake).mean() - critic(real).mean() + 10 * (slope.norm(dim=1) - 1).pow(2).mean()
        c_optimizer.zero_grad()
        loss_c.backward()
        c_optimizer.step()
    loss_g = -critic(generator(torch.randn(64, 8))).mean()
    g_optimizer.zero_grad()
    loss_g.backward()
    g_optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: critic {loss_c.item():.3f}, largest error of a correlation {correlation_error():.4f}")
