import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CELLS = {"erythrocyte": (5.0, 0.55, 1.0), "lymphocyte": (5.0, 0.85, 1.0),
         "monocyte": (7.5, 0.7, 1.25), "platelet": (2.2, 0.8, 1.0)}
SIZE = 20


def cell_image(radius, dark, stretch, rng):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    cy, cx = rng.uniform(8, 12, 2)
    r = radius * rng.uniform(0.85, 1.15)
    d = np.sqrt(((yy - cy) / stretch) ** 2 + (xx - cx) ** 2)
    img = 0.9 - (dark + rng.normal(0, 0.08)) / (1 + np.exp((d - r) * 2.5)) * 0.8
    return img + rng.normal(0, 0.05, (SIZE, SIZE))


def make_data(n_per_class, seed):
    rng = np.random.default_rng(seed)
    X, y = [], []
    for k, spec in enumerate(CELLS.values()):
        X += [cell_image(*spec, rng) for _ in range(n_per_class)]
        y += [k] * n_per_class
    return torch.tensor(np.stack(X), dtype=torch.float32).unsqueeze(1), torch.tensor(y)


def conv_block(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def build_model():
    return nn.Sequential(
        conv_block(1, 16),
        conv_block(16, 32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.BatchNorm1d(32),
        nn.Linear(32, len(CELLS)),
    )


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = hits = 0
    for x, y in loader:
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        hits += (out.argmax(1) == y).sum().item()
    return total / len(loader.dataset), hits / len(loader.dataset)


@torch.no_grad()
def report(model, X, y, verbose=False):
    """Recall for every cell type, one type after the other."""
    recalls = []
    for k, name in enumerate(CELLS):
        out = model(X[y == k])
        recalls.append((out.argmax(1) == k).float().mean().item())
        if verbose:
            print(f"   {name:12s} recall {recalls[-1]:.3f}")
    return sum(recalls) / len(recalls)


def main():
    torch.manual_seed(0)
    X, y = make_data(300, seed=0)
    X_test, y_test = make_data(100, seed=1)
    loader = DataLoader(TensorDataset(X, y), batch_size=48, shuffle=True)
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(1, 9):
        loss, acc = train_one_epoch(model, loader, optimizer)
        print(f"epoch {epoch} train loss {loss:.3f} train acc {acc:.3f} test recall {report(model, X_test, y_test):.3f}")
    mean = report(model, X_test, y_test, verbose=True)
    print(f"mean recall {mean:.3f}")


if __name__ == "__main__":
    main()
