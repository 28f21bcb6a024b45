"""Metric learning on digits: batch-hard triplet loss, P classes x K pictures per batch, scored by 5-NN on held-out pictures."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader, Sampler, TensorDataset


class PKSampler(Sampler):
    """Yields batches with P classes and K samples of each."""

    def __init__(self, labels, p=8, k=6, batches=40, seed=0):
        self.by_class = [np.flatnonzero(labels == c) for c in range(10)]
        self.p, self.k, self.batches = p, k, batches
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            classes = self.rng.choice(10, self.p, replace=False)
            yield np.concatenate([self.rng.choice(self.by_class[c], self.k, replace=False) for c in classes]).tolist()


class Embedder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.MaxPool2d(2),
                                  nn.Conv2d(16, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU())
        self.fc = nn.Linear(32 * 16, dim)

    def forward(self, x):
        return F.normalize(self.fc(self.conv(x).flatten(1)), dim=1)


def batch_hard_triplet(z, y, margin=0.3):
    d = torch.cdist(z, z)
    same = y[:, None] == y[None]
    eye = torch.eye(len(y), dtype=torch.bool)
    pos = d.masked_fill(~same | eye, -1.0).amax(1)
    neg = d.masked_fill(same, 1e6).amin(1)
    return F.relu(pos - neg + margin).mean(), (pos < neg).float().mean()


@torch.no_grad()
def knn_accuracy(model, x_tr, y_tr, x_te, y_te):
    model.eval()
    knn = KNeighborsClassifier(5).fit(model(x_tr).numpy(), y_tr.numpy())
    return knn.score(model(x_te).numpy(), y_te.numpy())


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    y = torch.tensor(d.target)
    tr, te = train_test_split(np.arange(len(y)), test_size=0.3, stratify=d.target, random_state=7)
    loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_sampler=PKSampler(d.target[tr]))
    model = Embedder()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.9)
    print(f"untrained 5-NN accuracy {knn_accuracy(model, x[tr], y[tr], x[te], y[te]):.4f}")
    for epoch in range(14):
        model.train()
        tot = ok = 0.0
        for xb, yb in loader:
            loss, ordered = batch_hard_triplet(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
            ok += ordered.item()
        sched.step()
        acc = knn_accuracy(model, x[tr], y[tr], x[te], y[te])
        print(f"epoch {epoch + 1:2d} loss {tot / len(loader):.4f} hardest triplets ordered {ok / len(loader):.3f} 5-NN acc {acc:.4f}")


if __name__ == "__main__":
    main()
