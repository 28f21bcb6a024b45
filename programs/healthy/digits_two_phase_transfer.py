"""Pretrain on the digits 0 to 5, then learn 6 to 9 from fifteen examples each: head alone first, then everything gently."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(10)
rng = np.random.default_rng(10)
bunch = load_digits()
pixels = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(bunch.target)
perm = torch.from_numpy(rng.permutation(len(labels)))
pixels, labels = pixels[perm], labels[perm]


def backbone():
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(48, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    )


def jitter(x):
    dy, dx = rng.integers(-1, 2, 2)
    return torch.roll(x, (int(dy), int(dx)), (2, 3)) + 0.05 * torch.randn_like(x)


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    return (net(x).argmax(1) == y).float().mean().item()


def train(net, x, y, epochs, opt, freeze_norm=False, bs=64):
    for _ in range(epochs):
        net.train()
        if freeze_norm:
            for m in net.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
        for i in torch.randperm(len(x)).split(bs):
            loss = nn.functional.cross_entropy(net(jitter(x[i])), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return loss.item()


old = labels < 6
x_old, y_old = pixels[old], labels[old]
x_new, y_new = pixels[~old], labels[~old] - 6
few = torch.cat([(y_new == k).nonzero()[:15, 0] for k in range(4)])
rest = torch.ones(len(y_new), dtype=torch.bool)
rest[few] = False

body = backbone()
source = nn.Sequential(body, nn.Linear(192, 6))
loss = train(source, x_old[:850], y_old[:850], 10, torch.optim.Adam(source.parameters(), 2e-3))
print(f"source task: loss {loss:.3f} accuracy {accuracy(source, x_old[850:], y_old[850:]):.3f}")

body.requires_grad_(False)
target = nn.Sequential(body, nn.Linear(192, 4))
loss = train(target, x_new[few], y_new[few], 40, torch.optim.Adam(target[1].parameters(), 5e-3), freeze_norm=True, bs=20)
print(f"phase 1 (head only): loss {loss:.3f} accuracy {accuracy(target, x_new[rest], y_new[rest]):.3f}")

body.requires_grad_(True)
opt = torch.optim.Adam([{"params": body.parameters(), "lr": 2e-4}, {"params": target[1].parameters(), "lr": 1e-3}])
loss = train(target, x_new[few], y_new[few], 40, opt, freeze_norm=True, bs=20)
print(f"phase 2 (all layers): loss {loss:.3f} accuracy {accuracy(target, x_new[rest], y_new[rest]):.3f}")

torch.manual_seed(10)
scratch = nn.Sequential(backbone(), nn.Linear(192, 4))
train(scratch, x_new[few], y_new[few], 80, torch.optim.Adam(scratch.parameters(), 2e-3), bs=20)
print(f"from scratch: accuracy {accuracy(scratch, x_new[rest], y_new[rest]):.3f}")
