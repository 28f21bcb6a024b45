import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

H = W = 32


class SceneStore:
    """Compressed camera scenes of a conveyor belt with one parcel each."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.bytes, self.boxes = [], []
        for _ in range(n):
            img = rng.normal(70, 15, (H, W)) + np.linspace(0, 25, W)
            w, h = rng.integers(6, 15, 2)
            x0, y0 = rng.integers(1, W - w - 1), rng.integers(1, H - h - 1)
            img[y0 : y0 + h, x0 : x0 + w] += rng.uniform(50, 110)
            self.bytes.append(img.clip(0, 255).astype(np.uint8).tobytes())
            self.boxes.append([(x0 + w / 2) / W, (y0 + h / 2) / H, w / W, h / H])

    def __len__(self):
        return len(self.boxes)

    def decode_into(self, i, out):
        out[:] = np.frombuffer(self.bytes[i], dtype=np.uint8).reshape(H, W)
        out /= 255.0


class SceneLoader:
    def __init__(self, store, batch_size, shuffle=False):
        self.store = store
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.buffer = np.empty((H, W), dtype=np.float32)

    def __len__(self):
        return (len(self.store) + self.batch_size - 1) // self.batch_size

    def __iter__(self):
        order = list(range(len(self.store)))
        if self.shuffle:
            random.shuffle(order)
        for start in range(0, len(order), self.batch_size):
            images, boxes = [], []
            for i in order[start : start + self.batch_size]:
                self.store.decode_into(i, self.buffer)
                images.append(self.buffer.copy())
                boxes.append(self.store.boxes[i])
            x = torch.from_numpy(np.stack(images)).unsqueeze(1)
            yield x, torch.tensor(boxes, dtype=torch.float32)


class BoxNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(),
        )
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(24 * 64, 96), nn.ReLU(), nn.Linear(96, 4))

    def forward(self, x):
        return torch.sigmoid(self.fc(self.conv((x - 0.35) * 4)))


def iou(a, b):
    def corners(t):
        return t[:, :2] - t[:, 2:] / 2, t[:, :2] + t[:, 2:] / 2

    (a0, a1), (b0, b1) = corners(a), corners(b)
    inter = (torch.minimum(a1, b1) - torch.maximum(a0, b0)).clamp(min=0).prod(1)
    return inter / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - inter)


def validate(net, loader):
    net.eval()
    scores = []
    with torch.no_grad():
        for x, box in loader:
            scores.append(iou(net(x), box))
    return torch.cat(scores).mean().item()


if __name__ == "__main__":
    random.seed(0)
    torch.manual_seed(0)
    train_loader = SceneLoader(SceneStore(1500, 1), batch_size=32, shuffle=True)
    val_loader = SceneLoader(SceneStore(300, 2), batch_size=60)
    net = BoxNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(1, 9):
        net.train()
        total = 0.0
        for x, box in train_loader:
            loss = F.smooth_l1_loss(net(x), box, beta=0.1)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(f"epoch {epoch} loss {total / len(train_loader):.4f} val IoU {validate(net, val_loader):.3f}")
    print(f"mean IoU {validate(net, val_loader):.3f}")
