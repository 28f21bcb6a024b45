"""Class-conditional GAN of digits: hinge loss, spectral norm, two critic steps, an average of the generator."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch.nn.utils import spectral_norm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(64)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Z, BATCH = 20, 64


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.label = nn.Embedding(10, 20)
        self.net = nn.Sequential(
            nn.Linear(Z + 20, 128), nn.BatchNorm1d(128), nn.ReLU(),
            nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z, y):
        return self.net(torch.cat([z, self.label(y)], 1))


class Critic(nn.Module):
    """Projection critic: its score contains the product of the features and the label's embedding."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            spectral_norm(nn.Linear(64, 128)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(128, 128)), nn.LeakyReLU(0.2)
        )
        self.score = spectral_norm(nn.Linear(128, 1))
        self.label = spectral_norm(nn.Embedding(10, 128))

    def forward(self, x, y):
        h = self.features(x)
        return self.score(h).squeeze(1) + (h * self.label(y)).sum(1)


images, labels = load_digits(return_X_y=True)
classifier = LogisticRegression(max_iter=500).fit(images, labels)
x_real, y_real = torch.tensor(images, dtype=torch.float32) / 8 - 1, torch.tensor(labels)
generator, critic = Generator().to(device), Critic().to(device)
average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(0.98), use_buffers=True)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=4e-4, betas=(0.0, 0.9))
c_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))


def sample(count):
    return torch.randn(count, Z, device=device), torch.randint(10, (count,), device=device)


for step in range(1, 1201):
    for _ in range(2):
        rows = torch.randint(len(x_real), (BATCH,))
        real, y = x_real[rows].to(device), y_real[rows].to(device)
        z, y_fake = sample(BATCH)
        with torch.no_grad():
            fake = generator(z, y_fake)
        c_loss = F.relu(1 - critic(real, y)).mean() + F.relu(1 + critic(fake, y_fake)).mean()
        c_optimizer.zero_grad()
        c_loss.backward()
        c_optimizer.step()
    z, y_fake = sample(BATCH)
    g_loss = -critic(generator(z, y_fake), y_fake).mean()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    average.update_parameters(generator)
    if step % 300 == 0:
        average.eval()
        with torch.no_grad():
            z, y_fake = sample(1000)
            fake = average(z, y_fake).cpu().numpy() * 8 + 8
        agreement = (classifier.predict(fake) == y_fake.cpu().numpy()).mean()
        print(f"step {step} critic {c_loss.item():.3f} generator {g_loss.item():.3f} label agreement {agreement:.4f}")
