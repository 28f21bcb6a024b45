"""Metric learning with a large-margin cosine loss; scored by recall@1 on characters that were not trained on."""
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn
from torch.nn import functional as F

KNOWN = "ABDEFHJKMNPRTUVXYabdeghjkmrt23456789"
NEW = "CGLOQSWZcfnpqsuwz0#&%@"


def draw(char, rng):
    im = Image.new("L", (28, 28))
    d = ImageDraw.Draw(im)
    font = ImageFont.load_default(int(rng.integers(19, 24)))
    box = d.textbbox((0, 0), char, font=font)
    x = 14 - (box[0] + box[2]) / 2 + rng.uniform(-2.5, 2.5)
    y = 14 - (box[1] + box[3]) / 2 + rng.uniform(-2.5, 2.5)
    d.text((x, y), char, fill=255, font=font)
    im = im.rotate(rng.uniform(-18, 18), Image.BILINEAR).resize((20, 20), Image.BILINEAR)
    return np.asarray(im, dtype=np.float32) / 127.5 - 1 + rng.normal(0, 0.15, (20, 20)).astype(np.float32)


def dataset(chars, each, seed):
    rng = np.random.default_rng(seed)
    x = np.stack([draw(c, rng) for c in chars for _ in range(each)])
    return torch.from_numpy(x.astype(np.float32)).unsqueeze(1), torch.arange(len(chars)).repeat_interleave(each)


class Embedder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.PReLU(16), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.PReLU(32), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 25, dim), nn.BatchNorm1d(dim),
        )

    def forward(self, x):
        return F.normalize(self.net(x))


class CosFace(nn.Module):
    def __init__(self, dim, classes, s=14.0, m=0.25):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, dim))
        self.s, self.m = s, m

    def forward(self, z, y):
        cos = z @ F.normalize(self.weight).T
        margin = F.one_hot(y, cos.shape[1]) * self.m
        return F.cross_entropy(self.s * (cos - margin), y)


@torch.no_grad()
def recall_at_1(model, x, y):
    model.eval()
    z = torch.cat([model(c) for c in x.split(200)])
    sim = z @ z.T
    sim.fill_diagonal_(-2)
    return (y[sim.argmax(1)] == y).float().mean().item()


torch.manual_seed(77)
x, y = dataset(KNOWN, 40, seed=0)
x_new, y_new = dataset(NEW, 20, seed=1)
model, criterion = Embedder(), CosFace(32, len(KNOWN))
opt = torch.optim.SGD([*model.parameters(), *criterion.parameters()], lr=0.1, momentum=0.9, weight_decay=5e-4)
sched = torch.optim.lr_scheduler.MultiStepLR(opt, [5, 7], 0.2)
print(f"untrained: recall@1 {recall_at_1(model, x_new, y_new):.3f}")
pixels = F.normalize(x_new.flatten(1))
near = (pixels @ pixels.T).fill_diagonal_(-2).argmax(1)
print(f"raw pixels: recall@1 {(y_new[near] == y_new).float().mean():.3f}")
for epoch in range(8):
    model.train()
    losses = []
    for b in torch.randperm(len(x)).split(60):
        loss = criterion(model(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    sched.step()
    print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f} recall@1 on new characters {recall_at_1(model, x_new, y_new):.3f}")
