import math

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader


class Autoencoder(nn.Module):
    def __init__(self, code=20):
        super().__init__()
        self.encode1 = nn.Linear(64, 64)
        self.encode2 = nn.Linear(64, code)
        self.decode1 = nn.Linear(code, 64)
        self.decode2 = nn.Linear(64, 64)
        for layer in (self.encode1, self.encode2, self.decode1, self.decode2):
            bound = math.sqrt(6 / (layer.in_features + layer.out_features))
            nn.init.uniform_(layer.weight, -bound, 0)
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        code = self.encode2(torch.relu(self.encode1(x)))
        return torch.sigmoid(self.decode2(torch.relu(self.decode1(code))))


torch.manual_seed(0)
pixels = torch.tensor(load_digits().data, dtype=torch.float32) / 16
pixels = pixels[torch.randperm(len(pixels))]
train, val = pixels[:1500], pixels[1500:]
loader = DataLoader(train, batch_size=50, shuffle=True)
model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

for epoch in range(15):
    model.train()
    for batch in loader:
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        explained = 1 - nn.functional.mse_loss(model(val), val) / (val - train.mean(0)).pow(2).mean()
    print(f"epoch {epoch} loss {loss.item():.4f} explained {explained.item():.3f}")
