"""Variational autoencoder on small face and texture patches (after the well-known MNIST example)."""
import argparse

import torch
from skimage import data
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="VAE patches")
parser.add_argument("--batch-size", type=int, default=20)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
torch.manual_seed(args.seed)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

patches = torch.tensor(data.lfw_subset(), dtype=torch.float32).reshape(-1, 625).clamp(0, 1)
order = torch.randperm(len(patches))
train_x, test_x = patches[order[:160]], patches[order[160:]]
train_loader = DataLoader(TensorDataset(train_x), batch_size=args.batch_size, shuffle=True)
test_loader = DataLoader(TensorDataset(test_x), batch_size=args.batch_size)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(625, 200)
        self.fc21 = nn.Linear(200, 16)
        self.fc22 = nn.Linear(200, 16)
        self.fc3 = nn.Linear(16, 200)
        self.fc4 = nn.Linear(200, 625)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


model = VAE().to(device)
optimizer = optim.Adam(model.parameters(), lr=1e-3)


def loss_function(recon_x, x, mu, logvar):
    MSE = F.mse_loss(recon_x, x) / 0.02
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return MSE + KLD


def train(epoch):
    model.train()
    train_loss = 0
    for (batch,) in train_loader:
        batch = batch.to(device)
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(batch)
        loss = loss_function(recon_batch, batch, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    if epoch % 10 == 0:
        print(f"====> Epoch: {epoch} Average loss: {train_loss / len(train_x):.4f}")


def test():
    model.eval()
    error = 0
    with torch.no_grad():
        for (batch,) in test_loader:
            batch = batch.to(device)
            recon_batch, mu, logvar = model(batch)
            error += F.mse_loss(recon_batch, batch, reduction="sum").item()
    spread = test_x.sub(train_x.mean(0)).pow(2).sum().item()
    print(f"====> Test: explained variance of the reconstruction {1 - error / spread:.4f}")


if __name__ == "__main__":
    for epoch in range(1, args.epochs + 1):
        train(epoch)
        if epoch % 20 == 0:
            test()
