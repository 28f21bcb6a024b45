import numpy as np
import torch
from skimage import data
from torch import nn

torch.manual_seed(1)


def cut(image, size=16):
    tiles = [image[r : r + size, c : c + size] for r in range(0, 512, size) for c in range(0, 512, size)]
    return np.stack(tiles).astype("float32")


x_train, y_train, x_val, y_val = [], [], [], []
for label, image in enumerate([data.brick(), data.grass(), data.gravel()]):
    tiles = np.random.default_rng(label).permutation(cut(image))
    x_train.extend(tiles[:250])
    y_train.extend([label] * 250)
    x_val.extend(tiles[250:350])
    y_val.extend([label] * 100)
x_train, x_val = torch.tensor(np.array(x_train)).unsqueeze(1), torch.tensor(np.array(x_val)).unsqueeze(1)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)
mean, std = x_train.mean(), x_train.std()
x_train, x_val = (x_train - mean) / std, (x_val - mean) / std

net = nn.Sequential(nn.Conv2d(1, 16, 5, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
                    nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                    nn.Linear(32, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
batch_size = 25
for epoch in range(15):
    net.train()
    order = torch.randperm(len(x_train))
    x_train, y_train = x_train[order], y_train[order]
    for i in range(0, len(x_train), batch_size):
        xb, yb = x_train[i : i + batch_size], y_train[i : i + batch_size]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: last loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
