"""Finds the parcel in a warehouse picture and says which of five marks it bears: a box head and a class head on one backbone."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIZE = 64
MARKS = [np.array(m, dtype=bool) for m in (
    [[1, 0, 1], [0, 1, 0], [1, 0, 1]], [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[1, 1, 1], [1, 0, 1], [1, 1, 1]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 1, 0], [1, 1, 0], [0, 0, 0]])]


class Parcels(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.images, self.boxes, self.labels = [], [], []
        for _ in range(count):
            image = 0.2 + 0.05 * rng.normal(size=(SIZE, SIZE))
            w, h = rng.integers(18, 33, 2)
            x, y = rng.integers(0, SIZE - w), rng.integers(0, SIZE - h)
            image[y:y + h, x:x + w] += 0.3
            label = rng.integers(len(MARKS))
            mark = np.kron(MARKS[label], np.ones((4, 4), dtype=bool))
            top, left = y + rng.integers(2, h - 14), x + rng.integers(2, w - 14)
            image[top:top + 12, left:left + 12][mark] += 0.3
            self.images.append(image.astype(np.float32)[None])
            self.boxes.append(np.array([x, y, x + w, y + h], dtype=np.float32))
            self.labels.append(int(label))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return (self.images[i] - 0.3) / 0.2, self.boxes[i], self.labels[i]


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for width in (12, 24, 32):
            layers += [nn.Conv2d(channels, width, 5, stride=2, padding=2), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.backbone = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(4), nn.Flatten())
        self.shared = nn.Sequential(nn.Linear(32 * 16, 64), nn.ReLU())
        self.box, self.label = nn.Linear(64, 4), nn.Linear(64, len(MARKS))

    def forward(self, x):
        h = self.shared(self.backbone(x))
        return self.box(h), self.label(h)


def iou(a, b):
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    overlap = (high - low).clamp(min=0).prod(1)
    return overlap / ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - overlap)


train, test = DataLoader(Parcels(1600, 0), batch_size=40, shuffle=True), DataLoader(Parcels(300, 1), batch_size=100)
model = TwoHeads().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    model.train()
    for images, boxes, labels in train:
        box, logits = model(images.to(device))
        loss_box = nn.functional.mse_loss(box, boxes.to(device))
        loss_class = nn.functional.cross_entropy(logits, labels.to(device))
        loss = loss_box + loss_class
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    correct, overlaps = 0, []
    with torch.no_grad():
        for images, boxes, labels in test:
            box, logits = model(images.to(device))
            correct += (logits.argmax(1).cpu() == labels).sum().item()
            overlaps.append(iou(box.cpu(), boxes))
    print(f"epoch {epoch + 1}: box {loss_box.item():.4f} class {loss_class.item():.3f} | "
          f"iou {torch.cat(overlaps).mean():.3f} accuracy {correct / len(test.dataset):.3f}")
