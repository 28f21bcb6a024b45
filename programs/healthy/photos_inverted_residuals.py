"""Which photo does a crop come from? A small MobileNetV2 with squeeze-and-excitation, SGD and a cosine schedule."""
import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
from skimage.transform import rescale
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MEAN, STD = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]
photos = [rescale(photo()[..., :3], 0.5, channel_axis=2, anti_aliasing=True)
          for photo in (skimage.data.astronaut, skimage.data.coffee, skimage.data.chelsea, skimage.data.rocket)]


class Crops(Dataset):
    """The left part of each photo is for training, the right part for validation."""

    def __init__(self, count, train):
        rng = np.random.default_rng(0 if train else 1)
        self.train, self.items = train, []
        for _ in range(count):
            label = int(rng.integers(len(photos)))
            height, width, _ = photos[label].shape
            low, high = (0, int(0.7 * width) - 32) if train else (int(0.7 * width), width - 32)
            row, column = rng.integers(height - 32), rng.integers(low, high)
            self.items.append((photos[label][row:row + 32, column:column + 32].astype("float32"), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        image, label = self.items[index]
        image = (torch.from_numpy(image).permute(2, 0, 1) - MEAN) / STD
        if self.train and torch.rand(()) < 0.5:
            image = image.flip(2)
        if self.train:
            image = F.pad(image, (2, 2, 2, 2), mode="reflect")
            dy, dx = torch.randint(5, (2,)).tolist()
            image = image[:, dy:dy + 32, dx:dx + 32]
        return image, label


class SqueezeExcite(nn.Module):
    def __init__(self, channels, ratio=4):
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // ratio, 1)
        self.expand = nn.Conv2d(channels // ratio, channels, 1)

    def forward(self, x):
        scale = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(scale))))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand=4):
        super().__init__()
        hidden = inputs * expand
        self.skip = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish(),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.Hardswish(),
            SqueezeExcite(hidden), nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


model = nn.Sequential(
    nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish(),
    InvertedResidual(16, 16, 1), InvertedResidual(16, 24, 2), InvertedResidual(24, 24, 1), InvertedResidual(24, 40, 2),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(40, len(photos))).to(device)
train_loader = DataLoader(Crops(1200, train=True), batch_size=64, shuffle=True, drop_last=True)
val_loader = DataLoader(Crops(400, train=False), batch_size=200)
epochs = 6
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
for epoch in range(epochs):
    model.train()
    total = 0.0
    for images, labels in train_loader:
        images, labels = images.to(device), labels.to(device)
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        correct = sum((model(images.to(device)).argmax(1).cpu() == labels).sum().item() for images, labels in val_loader)
    print(f"epoch {epoch + 1}: train loss {total / len(train_loader):.3f}, val accuracy {correct / len(val_loader.dataset):.3f}")
