import argparse
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.data as data

SHAPES = ["sphere", "cube", "cylinder", "cone", "torus", "cross"]


def sample_shape(kind, n, rng):
    u, v = rng.random(n), rng.random(n)
    a = 2 * math.pi * u
    if kind == "sphere":
        z = 2 * v - 1
        r = np.sqrt(1 - z**2)
        p = np.stack([r * np.cos(a), r * np.sin(a), z], 1)
    elif kind == "cube":
        p = rng.uniform(-1, 1, (n, 3))
        axis = rng.integers(0, 3, n)
        p[np.arange(n), axis] = rng.choice([-1, 1], n)
    elif kind == "cylinder":
        p = np.stack([np.cos(a), np.sin(a), 2 * v - 1], 1)
    elif kind == "cone":
        p = np.stack([(1 - v) * np.cos(a), (1 - v) * np.sin(a), 2 * v - 1], 1)
    elif kind == "torus":
        b = 2 * math.pi * v
        p = np.stack([(1 + 0.4 * np.cos(b)) * np.cos(a), (1 + 0.4 * np.cos(b)) * np.sin(a), 0.4 * np.sin(b)], 1)
    else:
        p = rng.uniform(-0.2, 0.2, (n, 3))
        axis = rng.integers(0, 3, n)
        p[np.arange(n), axis] = rng.uniform(-1, 1, n)
    return p


class ShapeClouds(data.Dataset):
    def __init__(self, size, npoints=128, seed=0):
        rng = np.random.default_rng(seed)
        self.items = []
        for i in range(size):
            label = i % len(SHAPES)
            points = sample_shape(SHAPES[label], npoints, rng) * rng.uniform(0.6, 1.4, (1, 3))
            theta = rng.uniform(0, 2 * math.pi)
            rot = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
            points = points @ rot.T + rng.normal(0, 0.03, points.shape)
            points -= points.mean(0)
            points /= np.abs(points).max()
            self.items.append((torch.tensor(points.T, dtype=torch.float32), label))

    def __getitem__(self, index):
        return self.items[index]

    def __len__(self):
        return len(self.items)


class STN3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(3, 32, 1), nn.Conv1d(32, 64, 1)
        self.fc1, self.fc2 = nn.Linear(64, 32), nn.Linear(32, 9)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x)))).amax(2)
        return self.fc2(F.relu(self.fc1(x))).view(-1, 3, 3) + torch.eye(3)


class PointNetCls(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.stn = STN3d()
        self.conv1, self.conv2 = nn.Conv1d(3, 32, 1), nn.Conv1d(32, 96, 1)
        self.bn1, self.bn2 = nn.BatchNorm1d(32), nn.BatchNorm1d(96)
        self.fc1, self.fc2 = nn.Linear(96, 48), nn.Linear(48, k)

    def forward(self, x):
        trans = self.stn(x)
        x = torch.bmm(trans, x)
        x = F.relu(self.bn1(self.conv1(x)))
        feat = F.relu(self.bn2(self.conv2(x))).amax(2)
        return self.fc2(F.relu(self.fc1(feat))), trans, feat


def feature_transform_regularizer(trans):
    eye = torch.eye(trans.size(1))
    return torch.norm(torch.bmm(trans, trans.transpose(2, 1)) - eye, dim=(1, 2)).mean()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batchSize", type=int, default=32)
    parser.add_argument("--nepoch", type=int, default=10)
    parser.add_argument("--sparsity", type=float, default=1.0, help="weight of the L1 norm of the global feature")
    parser.add_argument("--manualSeed", type=int, default=3)
    opt = parser.parse_args()
    random.seed(opt.manualSeed)
    torch.manual_seed(opt.manualSeed)
    train = data.DataLoader(ShapeClouds(900, seed=1), batch_size=opt.batchSize, shuffle=True, drop_last=True)
    test = data.DataLoader(ShapeClouds(300, seed=2), batch_size=100)
    classifier = PointNetCls(len(SHAPES))
    optimizer = torch.optim.Adam(classifier.parameters(), lr=0.002, betas=(0.9, 0.999))
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.5)
    for epoch in range(opt.nepoch):
        classifier.train()
        for i, (points, target) in enumerate(train):
            optimizer.zero_grad()
            pred, trans, feat = classifier(points)
            loss = F.cross_entropy(pred, target)
            loss = loss + 0.001 * feature_transform_regularizer(trans)
            loss = loss + opt.sparsity * feat.abs().sum(1).mean()
            loss.backward()
            optimizer.step()
            if i % 20 == 0:
                print(f"[{epoch}: {i}/{len(train)}] train loss: {loss.item():.4f}")
        scheduler.step()
    classifier.eval()
    hits = 0
    with torch.no_grad():
        for points, target in test:
            hits += (classifier(points)[0].argmax(1) == target).sum().item()
    print(f"test instance accuracy: {hits / 300:.3f}")
