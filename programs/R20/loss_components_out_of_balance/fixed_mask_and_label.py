"""Where is the thing, and what is it? One encoder, a mask and a label."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIDE, KINDS = 20, 4


def scene(kind, rng):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    dy, dx = rows - rng.uniform(8, 11), columns - rng.uniform(8, 11)
    r = rng.uniform(3.5, 5.5)
    if kind == 0:
        mask = dy**2 + dx**2 < r**2
    elif kind == 1:
        mask = np.maximum(abs(dy), abs(dx)) < 0.85 * r
    elif kind == 2:
        mask = (abs(dy) + abs(dx)) < 1.2 * r
    else:
        mask = ((abs(dy) < 1.3) | (abs(dx) < 1.3)) & (np.maximum(abs(dy), abs(dx)) < r)
    picture = 0.9 * mask + 0.25 * rng.normal(size=mask.shape)
    return picture, mask


def dataset(count, seed):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, KINDS, count)
    pictures, masks = zip(*(scene(kind, rng) for kind in kinds))
    pictures, masks = (torch.tensor(np.stack(a), dtype=torch.float32)[:, None] for a in (pictures, masks))
    return TensorDataset(pictures, masks, torch.from_numpy(kinds))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
        self.mask = nn.Conv2d(16, 1, 3, padding=1)
        self.label = nn.Sequential(
            nn.MaxPool2d(2), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(384, 48), nn.ReLU(), nn.Linear(48, KINDS))

    def forward(self, x):
        features = self.encoder(x)
        return {"mask": self.mask(features), "label": self.label(features)}


class Criterion(nn.Module):
    def __init__(self):
        super().__init__()
        self.mask_loss = nn.BCEWithLogitsLoss()
        self.label_loss = nn.CrossEntropyLoss()

    def forward(self, outputs, mask, label):
        parts = {"mask": self.mask_loss(outputs["mask"], mask), "label": self.label_loss(outputs["label"], label)}
        return sum(parts.values()), {name: part.item() for name, part in parts.items()}


def evaluate(model, loader):
    overlap = union = right = 0
    with torch.no_grad():
        for x, mask, label in loader:
            outputs = model(x)
            said, there = outputs["mask"] > 0, mask > 0
            overlap += (said & there).sum().item()
            union += (said | there).sum().item()
            right += (outputs["label"].argmax(1) == label).sum().item()
    return overlap / union, right / len(loader.dataset)


torch.manual_seed(14)
train_loader = DataLoader(dataset(1200, 1), batch_size=24, shuffle=True)
test_loader = DataLoader(dataset(300, 2), batch_size=100)
model, criterion = TwoHeads(), Criterion()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(10):
    for x, mask, label in train_loader:
        loss, parts = criterion(model(x), mask, label)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    iou, accuracy = evaluate(model, test_loader)
    print(f"epoch {epoch}", {name: round(value, 3) for name, value in parts.items()}, f"IoU {iou:.3f} label accuracy {accuracy:.3f}")
