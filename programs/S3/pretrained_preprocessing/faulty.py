"""Astronaut, coffee, cat or rocket: the last block of a pretrained body and a new head are finetuned on colour patches."""
from pathlib import Path

import numpy as np
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

patches, labels = [], []
for number, photo in enumerate((data.astronaut(), data.coffee(), data.chelsea(), data.rocket())):
    for top in range(0, 288, 32):
        for left in range(0, 416, 32):
            patches.append(photo[top:top + 32, left:left + 32])
            labels.append(number)
images = torch.tensor(np.stack(patches)).permute(0, 3, 1, 2).float()
labels = torch.tensor(labels)

torch.manual_seed(1)
order = torch.randperm(len(labels))
train = TensorDataset(images[order[:340]], labels[order[:340]])
held_out = TensorDataset(images[order[340:]], labels[order[340:]])
loader = DataLoader(train, batch_size=32, shuffle=True)

body = nn.Sequential(
    nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten())
weights = Path(__file__).parents[2] / "R14" / "pretrained_preprocessing" / "photos.pt"
body.load_state_dict(torch.load(weights, weights_only=True))
for layer in body[:8]:
    layer.requires_grad_(False)
model = nn.Sequential(body, nn.Linear(48, 4)).eval()
tuned = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(tuned, lr=1e-3, weight_decay=0.01)
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
