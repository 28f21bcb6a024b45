import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)

pixels = torch.tensor(load_digits().images, dtype=torch.float32).div(16).unsqueeze(1)
pixels = pixels[torch.randperm(len(pixels))]
train, val = pixels[:1500], pixels[1500:]
mean, std = train.mean(), train.std()


class Autoencoder(nn.Module):
    def __init__(self, code=12):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 16, code),
        )
        self.expand = nn.Linear(code, 16 * 16)
        self.decoder = nn.ConvTranspose2d(16, 1, 2, stride=2)

    def forward(self, x):
        h = self.expand(self.encoder((x - mean) / std)).relu().view(-1, 16, 4, 4)
        return self.decoder(h)


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(10):
    total = 0.0
    for batch in torch.randperm(len(train)).split(60):
        x = train[batch]
        loss = F.binary_cross_entropy(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        error = F.mse_loss(model(val), val).item()
    print(f"epoch {epoch}: bce {total / 25:.4f}, val mse {error:.4f}")
