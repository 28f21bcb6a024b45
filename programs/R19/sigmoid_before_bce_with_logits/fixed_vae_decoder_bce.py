import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader

IMG = 12


class BlobShapes(torch.utils.data.Dataset):
    """Filled rings, bars and corners with random place and size."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(IMG).float(), torch.arange(IMG).float(), indexing="ij")
        kind = torch.randint(0, 3, (n,), generator=g)
        cx, cy = (4 + 4 * torch.rand(2, n, 1, 1, generator=g))
        r = 2 + 1.8 * torch.rand(n, 1, 1, generator=g)
        dx, dy = xx - cx, yy - cy
        ring = (((dx**2 + dy**2).sqrt() - r).abs() < 1).float()
        bar = ((dx.abs() < r + 1) & (dy.abs() < 1.2)).float()
        corner = (((dx - dy).abs() < 1) & (dx.abs() < r + 1)).float()
        stack = torch.stack([ring, bar, corner])
        self.images = stack[kind, torch.arange(n)].unsqueeze(1)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.fc1 = nn.Linear(IMG * IMG, 200)
        self.fc21, self.fc22 = nn.Linear(200, latent), nn.Linear(200, latent)
        self.fc3, self.fc4 = nn.Linear(latent, 200), nn.Linear(200, IMG * IMG)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, IMG * IMG))
        z = self.reparameterize(mu, logvar) if self.training else mu
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, IMG * IMG), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


torch.manual_seed(1)
train_loader = DataLoader(BlobShapes(3000, 1), batch_size=64, shuffle=True)
test_loader = DataLoader(BlobShapes(600, 2), batch_size=200)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-3)


def train(epoch):
    model.train()
    train_loss = 0
    for data in train_loader:
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    print('====> Epoch: {} Average loss: {:.4f}'.format(epoch, train_loss / len(train_loader.dataset)))


def test():
    model.eval()
    error = 0.0
    with torch.no_grad():
        for data in test_loader:
            recon, _, _ = model(data)
            error += F.mse_loss(recon, data.view(-1, IMG * IMG), reduction="sum").item()
    print(f"test reconstruction mse {error / len(test_loader.dataset) / IMG**2:.4f}")


for epoch in range(1, 13):
    train(epoch)
test()
