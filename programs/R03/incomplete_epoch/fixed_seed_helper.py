import random
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

STEPS_PER_EPOCH, EPOCHS, BATCH = 6, 60, 16


def seed_everything(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def build():
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
    return random_split(TensorDataset(images, torch.tensor(bunch.target)), [1400, 397])


def train_epoch(net, data, opt):
    net.train()
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    losses = []
    for xb, yb in islice(loader, STEPS_PER_EPOCH):
        loss = F.cross_entropy(net(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return np.mean(losses)


@torch.no_grad()
def evaluate(net, data):
    net.eval()
    xb, yb = next(iter(DataLoader(data, batch_size=len(data))))
    return (net(xb).argmax(1) == yb).float().mean().item()


seed_everything()
train_set, val_set = build()
net = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Conv2d(12, 24, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 16, 10))
opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
for epoch in range(EPOCHS):
    loss = train_epoch(net, train_set, opt)
    if epoch % 10 == 9:
        print("epoch %2d | loss %.4f | val acc %.4f" % (epoch, loss, evaluate(net, val_set)))
