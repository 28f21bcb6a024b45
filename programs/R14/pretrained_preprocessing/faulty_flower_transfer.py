import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 20
PIXEL_MEAN, PIXEL_STD = 96.0, 42.0


def petals(n_petals, color, rng):
    """Flower seen from above: RGB uint8 image."""
    yy, xx = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2 + rng.uniform(-1.5, 1.5, (2, 1, 1))
    r, phi = np.hypot(yy, xx), np.arctan2(yy, xx)
    edge = 5.5 + 2.5 * np.cos(n_petals * phi + rng.uniform(0, 6.28))
    img = np.array([60, 90, 50])[:, None, None] + rng.normal(0, 14, (3, SIZE, SIZE))
    img[:, r < edge] = np.array(color)[:, None] + rng.normal(0, 18, (3, int((r < edge).sum())))
    return img.clip(0, 255).astype(np.uint8)


def make_set(classes, n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(classes), n)
    X = np.stack([petals(*classes[k], rng) for k in y])
    return torch.from_numpy(X).float(), torch.from_numpy(y)


BIG_TASK = [(p, c) for p in (3, 4, 5, 6) for c in [(210, 90, 90), (120, 110, 210)]]
MY_TASK = [(3, (200, 170, 60)), (4, (200, 170, 60)), (5, (200, 170, 60)), (4, (150, 80, 160)), (6, (150, 80, 160))]


def make_backbone():
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 32, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 25, 64), nn.Tanh(),
    )


def normalize(x):
    return (x - PIXEL_MEAN) / PIXEL_STD


def run_epochs(model, params, X, y, epochs, lr):
    opt = torch.optim.Adam(params, lr=lr)
    dl = DataLoader(TensorDataset(X, y), batch_size=50, shuffle=True)
    lossf = nn.CrossEntropyLoss()
    for ep in range(epochs):
        tot = 0.0
        for xb, yb in dl:
            loss = lossf(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        print(f"   epoch {ep + 1} loss {tot / len(dl):.4f}")


def accuracy(model, X, y):
    with torch.no_grad():
        return (model(X).argmax(1) == y).float().mean().item()


torch.manual_seed(0)

print("pretraining on the big flower collection")
backbone = make_backbone()
pre = nn.Sequential(backbone, nn.Linear(64, len(BIG_TASK)))
Xb, yb_ = make_set(BIG_TASK, 2000, seed=0)
run_epochs(pre, pre.parameters(), normalize(Xb), yb_, epochs=6, lr=1e-3)
print("pretraining accuracy", round(accuracy(pre, normalize(Xb), yb_), 3))

print("my garden, backbone frozen")
for p in backbone.parameters():
    p.requires_grad = False
model = nn.Sequential(backbone, nn.Linear(64, len(MY_TASK)))
X_train, y_train = make_set(MY_TASK, 300, seed=1)
X_val, y_val = make_set(MY_TASK, 400, seed=2)
run_epochs(model, model[1].parameters(), X_train, y_train, epochs=25, lr=5e-3)

acc = accuracy(model, X_val, y_val)
print(f"validation accuracy {acc:.3f}")
