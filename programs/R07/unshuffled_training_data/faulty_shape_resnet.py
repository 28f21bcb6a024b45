import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from skimage.draw import disk, ellipse, polygon, rectangle
from torch.utils.data import DataLoader, TensorDataset

KINDS = ["disk", "square", "triangle", "ellipse", "cross"]
S = 20


def draw(kind, rng):
    img = np.zeros((S, S), np.float32)
    r, c = rng.uniform(7, 13, 2)
    k = rng.uniform(3, 6)
    if kind == "disk":
        rr, cc = disk((r, c), k, shape=img.shape)
    elif kind == "square":
        rr, cc = rectangle((int(r - k), int(c - k)), extent=(int(2 * k), int(2 * k)), shape=img.shape)
    elif kind == "triangle":
        rr, cc = polygon([r - k, r + k, r + k], [c, c - k, c + k], shape=img.shape)
    elif kind == "ellipse":
        rr, cc = ellipse(r, c, k * 0.45, k * 1.25, shape=img.shape)
    else:
        img[int(r - k):int(r + k), int(c) - 1:int(c) + 2] = 1
        img[int(r) - 1:int(r) + 2, int(c - k):int(c + k)] = 1
        rr, cc = np.array([], int), np.array([], int)
    img[rr.astype(int), cc.astype(int)] = 1
    return np.clip(img * rng.uniform(0.5, 1) + rng.normal(0, 0.15, img.shape), -1, 2)


def make_split(per_class, seed):
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for label, kind in enumerate(KINDS):
        for _ in range(per_class):
            images.append(draw(kind, rng))
            labels.append(label)
    return TensorDataset(torch.tensor(np.stack(images), dtype=torch.float32)[:, None], torch.tensor(labels))


class ResBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.c1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.b1 = nn.BatchNorm2d(cout)
        self.c2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(cout)
        self.skip = nn.Identity() if cin == cout and stride == 1 else nn.Conv2d(cin, cout, 1, stride)

    def forward(self, x):
        y = F.relu(self.b1(self.c1(x)))
        return F.relu(self.b2(self.c2(y)) + self.skip(x))


class SmallResNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1)
        self.layers = nn.Sequential(ResBlock(12, 12), ResBlock(12, 24, 2), ResBlock(24, 32, 2))
        self.fc = nn.Linear(32, n)

    def forward(self, x):
        return self.fc(self.layers(self.stem(x)).mean((2, 3)))


def run(epochs=8):
    torch.manual_seed(0)
    train_loader = DataLoader(make_split(200, 1), batch_size=50)
    val_loader = DataLoader(make_split(60, 2), batch_size=100)
    net = SmallResNet(len(KINDS))
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
    for epoch in range(epochs):
        net.train()
        losses = []
        for img, lab in train_loader:
            loss = F.cross_entropy(net(img), lab)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        sched.step()
        net.eval()
        with torch.no_grad():
            ok = sum((net(i).argmax(1) == l).sum().item() for i, l in val_loader)
        print(f"epoch {epoch}: loss={np.mean(losses):.4f} val_accuracy={ok / len(val_loader.dataset):.3f}")


run()
