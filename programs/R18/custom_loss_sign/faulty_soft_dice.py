import numpy as np
import torch
import torch.nn as nn
from skimage import data
from skimage.transform import resize


def make_samples(n, seed):
    rng = np.random.default_rng(seed)
    texture = data.grass() / 255.0
    other = data.brick() / 255.0
    xs, ys = [], []
    yy, xx = np.mgrid[0:24, 0:24]
    for _ in range(n):
        a = texture[(r := rng.integers(400)) : r + 24, (c := rng.integers(400)) : c + 24]
        b = other[(r := rng.integers(400)) : r + 24, (c := rng.integers(400)) : c + 24]
        cy, cx, rad = rng.uniform(6, 18), rng.uniform(6, 18), rng.uniform(4, 9)
        m = (yy - cy) ** 2 + (xx - cx) ** 2 < rad**2
        xs.append(np.where(m, b, a))
        ys.append(m)
    return torch.tensor(np.array(xs), dtype=torch.float32)[:, None], torch.tensor(np.array(ys)).float()[:, None]


class SoftDiceLoss(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, logits, target):
        p = torch.sigmoid(logits).flatten(1)
        t = target.flatten(1)
        score = (2 * (p * t).sum(1) + self.smooth) / (p.sum(1) + t.sum(1) + self.smooth)
        return score.mean()


torch.manual_seed(0)
x_train, y_train = make_samples(256, 0)
x_valid, y_valid = make_samples(64, 1)
net = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.LeakyReLU(0.1),
    nn.Conv2d(16, 16, 5, padding=2), nn.BatchNorm2d(16), nn.LeakyReLU(0.1),
    nn.Conv2d(16, 1, 5, padding=2),
)  # fmt: skip
dice_loss = SoftDiceLoss()
optim = torch.optim.Adam(net.parameters(), 3e-3)

for epoch in range(4):
    net.train()
    order = np.random.default_rng(epoch).permutation(len(x_train))
    for s in range(0, len(order), 16):
        b = order[s : s + 16]
        optim.zero_grad()
        loss = dice_loss(net(x_train[b]), y_train[b])
        loss.backward()
        optim.step()
    net.eval()
    with torch.no_grad():
        pred = (net(x_valid) > 0).float()
        dice = (2 * (pred * y_valid).sum((1, 2, 3)) / (pred.sum((1, 2, 3)) + y_valid.sum((1, 2, 3)) + 1e-6)).mean()
    print("epoch %d, train loss %.3f, dice %.3f" % (epoch, loss.item(), dice.item()))
