"""Semi-supervised digits: a few labelled scans, many unlabelled ones, consistency under small shifts."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    def __init__(self, images, targets, labelled):
        self.images, self.targets, self.labelled = images, targets, labelled

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return {"image": self.images[i], "target": self.targets[i], "labelled": self.labelled[i]}


def hide_labels(targets, keep, rng):
    labelled = np.zeros(len(targets), dtype=bool)
    labelled[rng.choice(len(targets), keep, replace=False)] = True
    visible = np.where(labelled, targets, rng.integers(0, 10, len(targets)))
    return visible, labelled


def shift(x):
    dy, dx = torch.randint(-1, 2, (2,)).tolist()
    return torch.roll(x, (dy, dx), dims=(2, 3)) + 0.05 * torch.randn_like(x)


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.f1 = nn.Linear(32 * 4, 64)
        self.f2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.elu(self.c1(x)), 2)
        x = F.max_pool2d(F.elu(self.c2(x)), 2)
        return self.f2(F.elu(self.f1(x.flatten(1))))


class Learner:
    def __init__(self, model, ramp=8, weight=2.0):
        self.model, self.ramp, self.weight = model, ramp, weight
        self.opt = torch.optim.Adam(model.parameters(), lr=2e-3)

    def loss(self, batch, epoch):
        logits = self.model(batch["image"])
        supervised = F.cross_entropy(logits, batch["target"])
        other = self.model(shift(batch["image"]))
        consistency = F.mse_loss(other.softmax(1), logits.softmax(1).detach())
        return supervised + self.weight * min(1.0, epoch / self.ramp) * consistency

    def epoch(self, loader, epoch):
        self.model.train()
        values = []
        for batch in loader:
            loss = self.loss(batch, epoch)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            values.append(loss.item())
        return float(np.mean(values))

    @torch.no_grad()
    def accuracy(self, x, y):
        self.model.eval()
        return (self.model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(9)
    rng = np.random.default_rng(9)
    d = load_digits()
    order = rng.permutation(len(d.target))
    x = torch.tensor(d.images[order] / 8.0 - 1.0, dtype=torch.float32)[:, None]
    y = d.target[order]
    visible, labelled = hide_labels(y[:1400], 700, rng)
    loader = DataLoader(Scans(x[:1400], visible, labelled), batch_size=64, shuffle=True)
    learner = Learner(SmallCNN())
    for epoch in range(15):
        loss = learner.epoch(loader, epoch)
        acc = learner.accuracy(x[1400:], torch.tensor(y[1400:]))
        print(f"epoch {epoch + 1}: loss {loss:.3f}, accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
