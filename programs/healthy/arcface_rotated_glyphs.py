"""Angular-margin embedding (ArcFace) of noisy glyphs; tested on glyph classes that were never trained on."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def draw_glyph(rng):
    """A glyph is a set of four strokes on a 16 x 16 grid, given by their end points."""
    return rng.uniform(2, 14, (4, 2, 2))


def render(glyph, rng):
    angle = rng.normal(0, 0.12)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    shift, size = rng.normal(0, 0.9, 2), rng.uniform(0.9, 1.1)
    image = np.zeros((16, 16))
    yy, xx = np.mgrid[:16, :16]
    for start, end in glyph:
        a = (start - 8) @ turn.T * size + 8 + shift
        b = (end - 8) @ turn.T * size + 8 + shift
        d = b - a
        along = ((xx - a[0]) * d[0] + (yy - a[1]) * d[1]) / (d @ d + 1e-9)
        along = np.clip(along, 0, 1)
        dist = (xx - a[0] - along * d[0]) ** 2 + (yy - a[1] - along * d[1]) ** 2
        image = np.maximum(image, np.exp(-dist / 0.8))
    return image + rng.normal(0, 0.1, image.shape)


def make_set(glyphs, per_class, rng):
    x = np.stack([render(g, rng) for g in glyphs for _ in range(per_class)])
    y = np.repeat(np.arange(len(glyphs)), per_class)
    return torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y)


class ArcMargin(nn.Module):
    def __init__(self, dim, classes, s=20.0, m=0.3):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, dim))
        nn.init.xavier_uniform_(self.weight)
        self.s, self.m = s, m

    def forward(self, embedding, label):
        cosine = F.linear(F.normalize(embedding), F.normalize(self.weight)).clamp(-1 + 1e-6, 1 - 1e-6)
        moved = torch.cos(torch.acos(cosine) + self.m)
        moved = torch.where(cosine > math.cos(math.pi - self.m), moved, cosine - math.sin(self.m) * self.m)
        hit = F.one_hot(label, cosine.shape[1]).bool()
        return self.s * torch.where(hit, moved, cosine)


class Backbone(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.PReLU(16), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.PReLU(32), nn.MaxPool2d(2),
        )
        self.embed = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(32 * 16, dim, bias=False), nn.BatchNorm1d(dim))

    def forward(self, x):
        return self.embed(self.features(x))


def rank_one(backbone, gallery, gallery_labels, probes, probe_labels):
    backbone.eval()
    with torch.no_grad():
        g, p = F.normalize(backbone(gallery)), F.normalize(backbone(probes))
    return (gallery_labels[(p @ g.T).argmax(1)] == probe_labels).float().mean().item()


def main():
    rng = np.random.default_rng(14)
    torch.manual_seed(14)
    seen, unseen = [draw_glyph(rng) for _ in range(130)], [draw_glyph(rng) for _ in range(40)]
    x_train, y_train = make_set(seen, 14, rng)
    gallery, gallery_labels = make_set(unseen, 1, rng)
    probes, probe_labels = make_set(unseen, 12, rng)
    backbone, margin = Backbone(), ArcMargin(32, len(seen))
    raw = F.normalize(gallery.flatten(1)), F.normalize(probes.flatten(1))
    baseline = (gallery_labels[(raw[1] @ raw[0].T).argmax(1)] == probe_labels).float().mean()
    print(f"raw pixels, unseen glyphs: rank one {baseline:.3f}")
    optimizer = torch.optim.SGD(
        [{"params": backbone.parameters(), "weight_decay": 5e-4}, {"params": margin.parameters(), "weight_decay": 5e-4}],
        lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [9, 12], 0.1)
    for epoch in range(14):
        backbone.train()
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(60):
            loss = F.cross_entropy(margin(backbone(x_train[rows]), y_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(backbone.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(rows)
        schedule.step()
        score = rank_one(backbone, gallery, gallery_labels, probes, probe_labels)
        print(f"epoch {epoch + 1:2d} arc loss {total / len(x_train):.3f} unseen glyphs rank-1 {score:.3f}")


if __name__ == "__main__":
    main()
