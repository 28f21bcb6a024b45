"""Which photograph a patch is from: a linear head on pretrained features, patches read with OpenCV."""
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from torch import nn

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def imread(name):
    """What cv2.imread gives: (H, W, 3) bytes, blue first."""
    return np.ascontiguousarray(getattr(data, name)()[:, :, ::-1])


def load(name):
    image = imread(name)
    image = image.astype(np.float32) / 255.0
    return (image - MEAN) / STD


def cut(image, size=32):
    rows, columns = image.shape[0] // size, image.shape[1] // size
    tiles = image[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    return tiles.transpose(0, 2, 4, 1, 3).reshape(-1, 3, size, size)


def backbone(path):
    layers, channels = [], 3
    for width, pool in ((12, True), (24, True), (48, False)):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pool else []
        channels = width
    body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    body.load_state_dict(torch.load(path, weights_only=True))
    return body.eval().requires_grad_(False)


tiles = [cut(load(name)) for name in ("astronaut", "chelsea", "coffee", "rocket")]
images = torch.from_numpy(np.concatenate(tiles))
labels = torch.cat([torch.full((len(part),), number) for number, part in enumerate(tiles)])

torch.manual_seed(4)
order = torch.randperm(len(labels))
train, test = order[:600], order[600:]
net = nn.Sequential(backbone(Path(__file__).with_name("photos.pt")), nn.Linear(48, 4))
optimizer = torch.optim.AdamW(net[1].parameters(), lr=5e-3)
for epoch in range(6):
    total = 0.0
    for rows in train[torch.randperm(len(train))].split(30):
        loss = F.cross_entropy(net(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item() * len(rows)
    with torch.no_grad():
        right = (net(images[test]).argmax(1) == labels[test]).float().mean()
    print(f"epoch {epoch}: loss {total / len(train):.3f}, accuracy on new patches {right:.3f}")
