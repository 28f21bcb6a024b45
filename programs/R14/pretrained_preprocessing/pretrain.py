"""Makes photos.pt: a small network trained to tell scikit-image's colour photographs apart, with ImageNet's recipe."""
from pathlib import Path

import numpy as np
import torch
from skimage import data
from torch import nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def body():
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten())


if __name__ == "__main__":
    torch.manual_seed(0)
    names = ("astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry")
    photos = [getattr(data, name)()[::2 if name == "retina" else 1, ::2 if name == "retina" else 1] for name in names]
    generator = np.random.default_rng(0)
    model = nn.Sequential(body(), nn.Linear(48, len(photos)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(250):
        x, y = [], generator.integers(0, len(photos), 64)
        for label in y:
            top, left = (generator.integers(0, size - 32) for size in photos[label].shape[:2])
            x.append(photos[label][top : top + 32, left : left + 32])
        x = torch.tensor(np.stack(x)).permute(0, 3, 1, 2).float() / 255
        x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        logits, y = model(x), torch.tensor(y)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {loss.item():.3f}, accuracy {(logits.argmax(1) == y).float().mean():.3f}")
    torch.save(model[0].state_dict(), Path(__file__).with_name("photos.pt"))
