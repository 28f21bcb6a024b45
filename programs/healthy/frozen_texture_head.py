import numpy as np
import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
P = 20


def cut(images, n, seed, lo=0.0, hi=1.0):
    rng = np.random.default_rng(seed)
    x, y = [], []
    for k, im in enumerate(images):
        for _ in range(n):
            r = rng.integers(int(lo * im.shape[0]), int(hi * im.shape[0]) - P)
            c = rng.integers(0, im.shape[1] - P)
            x.append(im[r:r + P, c:c + P])
            y.append(k)
    return (torch.tensor(np.stack(x)[:, None]).float() / 255 - 0.5) / 0.25, torch.tensor(y)


def conv(i, o):
    return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]


class Extractor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(*conv(1, 16), nn.MaxPool2d(2), *conv(16, 32), nn.MaxPool2d(2), *conv(32, 64))

    def forward(self, x):
        h = self.body(x)
        return torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1)


class Classifier(nn.Module):
    def __init__(self, extractor, n):
        super().__init__()
        self.extractor = extractor
        self.head = nn.Linear(128, n)

    def forward(self, x):
        return self.head(self.extractor(x))

    def freeze(self):
        for p in self.extractor.parameters():
            p.requires_grad = False
        return self

    def train(self, mode=True):
        super().train(mode)
        if not next(self.extractor.parameters()).requires_grad:
            self.extractor.eval()
        return self


def fit(model, x, y, xv, yv, epochs, lr, name):
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for e in range(epochs):
        model.train()
        tot = 0.0
        for xb, yb in DataLoader(TensorDataset(x, y), 40, shuffle=True):
            loss = nn.functional.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(yb)
        model.eval()
        with torch.no_grad():
            acc = (model(xv).argmax(1) == yv).float().mean().item()
        print(f"{name} epoch {e} loss {tot / len(y):.4f} accuracy {acc:.4f}")


d = skimage.data
source = [d.camera(), d.coins(), d.page(), d.moon(), d.text(), d.chelsea()[..., 0]]
extractor = Extractor()
fit(Classifier(extractor, len(source)), *cut(source, 250, 0, 0, 0.7), *cut(source, 50, 1, 0.7, 1), 5, 2e-3, "source")
target = [d.brick(), d.grass(), d.gravel(), d.coffee()[..., 1]]
model = Classifier(extractor, len(target)).freeze()
fit(model, *cut(target, 80, 2, 0, 0.6), *cut(target, 80, 3, 0.6, 1), 20, 1e-2, "target")
