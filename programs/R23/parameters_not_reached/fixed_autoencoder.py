import torch
from skimage.data import grass
from torch import nn

torch.manual_seed(0)

photo = torch.tensor(grass(), dtype=torch.float32).view(256, 2, 256, 2).mean(dim=(1, 3))
patches = photo.unfold(0, 8, 8).unfold(1, 8, 8).reshape(-1, 64)
patches = patches[torch.randperm(len(patches))]
train, val = patches[:850], patches[850:]
mean, std = train.mean(), train.std()
train, val = (train - mean) / std, (val - mean) / std

encoder = nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 8))
decoder = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 64))
optimizer = torch.optim.Adam(list(encoder.parameters()) + list(decoder.parameters()), lr=3e-3)
criterion = nn.MSELoss()


def reconstruct(x):
    code = encoder(x)
    return decoder(code)


for epoch in range(25):
    total = 0.0
    for batch in train[torch.randperm(len(train))].split(50):
        optimizer.zero_grad()
        loss = criterion(reconstruct(batch), batch)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    if epoch % 4 == 0:
        with torch.no_grad():
            val_loss = criterion(reconstruct(val), val).item()
        print(f"epoch {epoch}: train mse {total / len(train):.4f}, val mse {val_loss:.4f}")
