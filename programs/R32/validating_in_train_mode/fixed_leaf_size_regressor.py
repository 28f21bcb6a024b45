import numpy as np
import torch
from skimage.draw import ellipse
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24


def photo(rng):
    """A bright leaf on soil; target: area of the leaf; lighting varies between photographs."""
    light = rng.uniform(0.6, 1.4)
    img = rng.normal(0.25, 0.05, (SIZE, SIZE))
    a, b = rng.uniform(2.5, 9, 2)
    rr, cc = ellipse(12 + rng.uniform(-2, 2), 12 + rng.uniform(-2, 2), a, b, shape=img.shape, rotation=rng.uniform(0, 3.1))
    img[rr, cc] = rng.normal(0.7, 0.05, len(rr))
    return img * light, len(rr) / 100.0


def dataset(n, seed):
    rng = np.random.default_rng(seed)
    pairs = [photo(rng) for _ in range(n)]
    return (torch.tensor(np.stack([p[0] for p in pairs]), dtype=torch.float32)[:, None] - 0.4,
            torch.tensor([p[1] for p in pairs], dtype=torch.float32))


class LeafNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten())
        self.reg = nn.Sequential(nn.Linear(24 * 9, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 1))

    def forward(self, x):
        return self.reg(self.conv(x)).squeeze(-1)


def predict(model, images):
    with torch.no_grad():
        return torch.stack([model(img[None])[0] for img in images])


def score(pred, truth):
    return (1 - ((pred - truth) ** 2).mean() / truth.var()).item()


def fit(model, x, y, xt, yt, epochs=14):
    loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(yb)
        for g in opt.param_groups:
            g["lr"] *= 0.9
        model.eval()
        pred = predict(model, xt)
        print(f"epoch {epoch} train_mse {total / len(y):.4f} (target var {y.var().item():.3f}) test_r2 {score(pred, yt):.4f}")


if __name__ == "__main__":
    torch.manual_seed(3)
    train_x, train_y = dataset(1200, 0)
    test_x, test_y = dataset(250, 1)
    fit(LeafNet(), train_x, train_y, test_x, test_y)
