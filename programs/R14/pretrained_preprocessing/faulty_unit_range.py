"""Land or flower, upper or lower half: a linear head on a pretrained body, which was trained with ImageNet's recipe."""
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

patches, labels = [], []
for number, photo in enumerate(load_sample_images().images):
    for top in range(0, 416, 32):
        for left in range(0, 640, 32):
            patches.append(photo[top:top + 32, left:left + 32])
            labels.append(2 * number + (top > 208))
images = torch.tensor(np.stack(patches)).permute(0, 3, 1, 2).float()
images = images / 255
labels = torch.tensor(labels)

torch.manual_seed(0)
order = torch.randperm(len(labels))
train = TensorDataset(images[order[:320]], labels[order[:320]])
held_out = TensorDataset(images[order[320:]], labels[order[320:]])
loader = DataLoader(train, batch_size=32, shuffle=True)

body = nn.Sequential(
    nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten())
body.load_state_dict(torch.load(Path(__file__).with_name("photos.pt"), weights_only=True))
for p in body.parameters():
    p.requires_grad = False
model = nn.Sequential(body, nn.Linear(48, 4))
optimizer = torch.optim.Adam(model[1].parameters(), lr=1e-2)
model.eval()
for epoch in range(8):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        x, y = held_out.tensors
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy:.3f}")
