import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

torch.manual_seed(1)
rng = np.random.default_rng(1)
MARGIN, EPOCHS, STEPS = 0.8, 14, 40


class Embedder(nn.Module):
    def __init__(self, dim=12):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
                                  nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())
        self.fc = nn.Linear(32 * 16, dim)

    def forward(self, x):
        return F.normalize(self.fc(self.conv(x)), dim=1)


def balanced_batch(labels, classes, per_class):
    return np.concatenate([rng.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in classes])


def hard_triplets(emb, y):
    d = torch.cdist(emb, emb)
    same = y[:, None] == y[None]
    hardest_pos = d.masked_fill(~same, -1).amax(1)
    hardest_neg = d.masked_fill(same, 9).amin(1)
    per_anchor = F.relu(hardest_pos - hardest_neg + MARGIN)
    return per_anchor.mean(), (per_anchor > 0).float().mean()


digits = load_digits()
order = rng.permutation(len(digits.target))
x = torch.tensor(digits.images / 16.0, dtype=torch.float32)[:, None]
xs, ys = x[order[:1200]], digits.target[order[:1200]]
xt, yt = x[order[1200:]], digits.target[order[1200:]]
classes = np.arange(10)
model = Embedder()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3)


def knn_accuracy(k=3):
    model.eval()
    with torch.no_grad():
        e, et = model(xs).numpy(), model(xt).numpy()
    return KNeighborsClassifier(k).fit(e, ys).score(et, yt)


for epoch in range(EPOCHS):
    model.train()
    losses, active = [], []
    for _ in range(STEPS):
        idx = balanced_batch(ys, classes, 6)
        loss, share = hard_triplets(model(xs[idx]), torch.tensor(ys[idx]))
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
        active.append(share.item())
    print(f"epoch {epoch} triplet {np.mean(losses):.4f} active {np.mean(active):.2f} test_knn_acc {knn_accuracy():.4f}")
