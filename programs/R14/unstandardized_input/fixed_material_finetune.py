import numpy as np
import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
P = 20


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x):
        return self.features(x)


def patches(images, per_class, seed, rows=(0.0, 1.0)):
    rng = np.random.default_rng(seed)
    x, y = [], []
    for label, im in enumerate(images):
        lo, hi = int(rows[0] * im.shape[0]), int(rows[1] * im.shape[0]) - P
        for _ in range(per_class):
            r, c = rng.integers(lo, hi), rng.integers(0, im.shape[1] - P)
            x.append(im[r:r + P, c:c + P])
            y.append(label)
    return np.stack(x)[:, None], torch.tensor(y)


def normalize(u8):
    return (torch.tensor(u8).float() / 255.0 - 0.5) / 0.25


def pretrain(images):
    x, y = patches(images, 400, 1)
    net = Backbone()
    clf = nn.Sequential(net, nn.Linear(48, len(images)))
    opt = torch.optim.Adam(clf.parameters(), 2e-3)
    for _ in range(6):
        for xb, yb in DataLoader(TensorDataset(normalize(x), y), 64, shuffle=True):
            loss = nn.functional.cross_entropy(clf(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
    print("pretraining done, last loss", round(loss.item(), 4))
    return net.state_dict()


source = [skimage.data.camera(), skimage.data.coins(), skimage.data.page(), skimage.data.moon(), skimage.data.text()]
weights = pretrain(source)

target = [skimage.data.brick(), skimage.data.grass(), skimage.data.gravel(), skimage.data.coffee()[..., 1]]
train_x, train_y = patches(target, 60, 2, (0, 0.6))
test_x, test_y = patches(target, 100, 3, (0.6, 1.0))
train_x = normalize(train_x)
test_x = normalize(test_x)

backbone = Backbone()
backbone.load_state_dict(weights)
for p in backbone.parameters():
    p.requires_grad_(False)
backbone.eval()
head = nn.Linear(48, len(target))
opt = torch.optim.Adam(head.parameters(), lr=1e-2)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=32, shuffle=True)
for epoch in range(25):
    running = 0.0
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(head(backbone(xb)), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item()
    with torch.no_grad():
        acc = (head(backbone(test_x)).argmax(1) == test_y).float().mean().item()
    print(f"finetune epoch {epoch} loss {running / len(loader):.4f} test_acc {acc:.4f}")
