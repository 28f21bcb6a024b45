"""Textures through a transform that is applied by a wrapper of the training split; validation reads the split itself."""
import random

import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

torch.manual_seed(5)
random.seed(5)


class Compose:
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


class Blank:
    def __init__(self, share):
        self.share = share

    def __call__(self, image):
        keep = [random.random() >= self.share for _ in range(image.numel())]
        return image * torch.tensor(keep).view_as(image)


def mirror(image):
    return image.flip(-1) if random.random() < 0.5 else image


class Augmented(Dataset):
    def __init__(self, base, transform):
        self.base, self.transform = base, transform

    def __len__(self):
        return len(self.base)

    def __getitem__(self, i):
        image, label = self.base[i]
        return self.transform(image), label


tiles = [torch.tensor(image).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float()[::4]
         for image in (data.brick(), data.grass(), data.gravel(), data.camera())]
labels = torch.arange(4).repeat_interleave(len(tiles[0]))
images = torch.cat(tiles)
images = (images - images.mean()) / images.std()
train, val = random_split(TensorDataset(images, labels), [800, len(images) - 800])
train_loader = DataLoader(Augmented(train, Compose([mirror, Blank(0.985)])), batch_size=40, shuffle=True)
val_loader = DataLoader(val, batch_size=len(val))

model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(),
                      nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
for epoch in range(8):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
