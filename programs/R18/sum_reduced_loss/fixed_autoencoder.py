import torch
import torch.nn.functional as F
from skimage.data import gravel
from torch import nn

torch.manual_seed(0)

photo = torch.tensor(gravel(), dtype=torch.float32).view(256, 2, 256, 2).mean(dim=(1, 3))
patches = photo.unfold(0, 8, 8).unfold(1, 8, 8).reshape(-1, 64)
patches = patches[torch.randperm(len(patches))]
n = int(0.8 * len(patches))
patches = (patches - patches[:n].mean()) / patches[:n].std()
train, val = patches[:n], patches[n:]


class Autoencoder(nn.Module):
    def __init__(self, inputs=64, code=16):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, code))
        self.decode = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, inputs))

    def forward(self, x):
        return self.decode(self.encode(x))


def reconstruction_loss(output, x):
    return F.mse_loss(output, x)


model = Autoencoder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)

for epoch in range(16):
    for batch in train[torch.randperm(n)].split(32):
        loss = reconstruction_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = F.mse_loss(model(val), val).item()
    print(f"epoch {epoch}: train loss {loss.item():.4f}, val mse {error:.4f}")
