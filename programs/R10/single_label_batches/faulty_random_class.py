import numpy as np
import torch
from skimage import data
from torch import nn

torch.manual_seed(1)
rng = np.random.default_rng(1)
names = ["brick", "grass", "gravel", "camera"]
pools = {}
for name in names:
    tiles = getattr(data, name)().reshape(32, 16, 32, 16).swapaxes(1, 2).reshape(-1, 1, 16, 16).astype("float32")
    pools[name] = rng.permutation(tiles)[:350]
mean = np.mean([pools[name][:250].mean() for name in names])
std = np.mean([pools[name][:250].std() for name in names])


def get_batch(batch_size=32):
    label = rng.integers(4)
    labels = np.full(batch_size, label)
    tiles = [pools[names[k]][rng.integers(250)] for k in labels]
    return torch.tensor((np.stack(tiles) - mean) / std), torch.tensor(labels)


def validate(model):
    model.eval()
    with torch.no_grad():
        hits = [(model(torch.tensor((pools[name][250:] - mean) / std)).argmax(1) == k).float().mean().item()
                for k, name in enumerate(names)]
    return np.mean(hits)


model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3),
                      nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(1, 241):
    model.train()
    x, y = get_batch()
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f"step {step}: loss {loss.item():.3f} val accuracy {validate(model):.3f}")
