"""Which way does the ball fly? A small 3-D convnet on short clips rendered into a frame buffer."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE, FRAMES = 16, 6
DIRECTIONS = ["right", "up", "left", "down"]


class Renderer:
    def __init__(self, size):
        self.canvas = np.zeros((size, size), dtype=np.float32)
        self.grid = np.mgrid[0:size, 0:size].astype(np.float32)

    def draw(self, x, y, radius):
        d2 = (self.grid[1] - x) ** 2 + (self.grid[0] - y) ** 2
        np.exp(-d2 / (2 * radius**2), out=self.canvas)
        return self.canvas


def record_clip(renderer, rng):
    label = int(rng.integers(4))
    angle = label * math.pi / 2 + rng.normal(0, 0.25)
    speed = rng.uniform(0.8, 1.4)
    x, y = rng.uniform(5, SIZE - 5, size=2)
    x -= math.cos(angle) * speed * FRAMES / 2
    y += math.sin(angle) * speed * FRAMES / 2
    radius = rng.uniform(1.0, 1.8)
    frames = []
    for _ in range(FRAMES):
        frame = renderer.draw(x, y, radius)
        frames.append(frame.copy())
        x += math.cos(angle) * speed
        y -= math.sin(angle) * speed
    clip = np.stack(frames)
    clip = clip + rng.normal(0, 0.05, clip.shape)
    return clip.astype(np.float32), label


def make_set(n, seed):
    rng = np.random.default_rng(seed)
    renderer = Renderer(SIZE)
    clips, labels = zip(*(record_clip(renderer, rng) for _ in range(n)))
    return torch.from_numpy(np.stack(clips)).unsqueeze(1), torch.tensor(labels)


class ClipNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv3d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv3d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 3 * 4 * 4, 48)
        self.fc2 = nn.Linear(48, 4)

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.conv1(x)), (1, 2, 2))
        x = F.max_pool3d(F.relu(self.conv2(x)), (2, 2, 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


torch.manual_seed(5)
train_x, train_y = make_set(600, 1)
test_x, test_y = make_set(200, 2)
net = ClipNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(9):
    net.train()
    losses = []
    for idx in torch.randperm(len(train_x)).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        acc = (net(test_x).argmax(-1) == test_y).float().mean().item()
    print(f"Epoch {epoch}: loss={np.mean(losses):.4f} test_accuracy={acc:.4f}")
