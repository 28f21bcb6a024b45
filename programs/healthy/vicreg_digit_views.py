"""Self-supervised digits with VICReg: no negatives, no labels until the linear probe at the end."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import nn


def random_view(x, generator):
    """Shift by up to one pixel, scale the ink a little and add noise; x is (batch, 1, 8, 8)."""
    padded = F.pad(x, (1, 1, 1, 1))
    views = torch.empty_like(x)
    offsets = torch.randint(0, 3, (len(x), 2), generator=generator)
    for i, (dy, dx) in enumerate(offsets.tolist()):
        views[i] = padded[i, :, dy : dy + 8, dx : dx + 8]
    gain = 0.8 + 0.4 * torch.rand(len(x), 1, 1, 1, generator=generator)
    return views * gain + 0.1 * torch.randn(x.shape, generator=generator)


class Encoder(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 16, dim),
        )

    def forward(self, x):
        return self.net(x)


def off_diagonal(m):
    n = m.shape[0]
    return m.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()


def vicreg_loss(za, zb, sim=25.0, std=25.0, cov=1.0):
    invariance = F.mse_loss(za, zb)
    variance = sum(F.relu(1 - torch.sqrt(z.var(dim=0) + 1e-4)).mean() for z in (za, zb)) / 2
    covariance = 0.0
    for z in (za, zb):
        centred = z - z.mean(dim=0)
        c = centred.T @ centred / (len(z) - 1)
        covariance = covariance + off_diagonal(c).pow(2).sum() / z.shape[1]
    return sim * invariance + std * variance + cov * covariance


def main():
    torch.manual_seed(5)
    generator = torch.Generator().manual_seed(5)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target, test_size=0.3, random_state=5, stratify=digits.target
    )
    encoder = Encoder()
    expander = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128))
    params = [*encoder.parameters(), *expander.parameters()]
    optimizer = torch.optim.AdamW(params, lr=2e-3, weight_decay=1e-5)
    epochs = 12
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        encoder.train()
        expander.train()
        total, steps = 0.0, 0
        for index in torch.randperm(len(x_train), generator=generator).split(128):
            if len(index) < 128:
                continue
            batch = x_train[index]
            za = expander(encoder(random_view(batch, generator)))
            zb = expander(encoder(random_view(batch, generator)))
            loss = vicreg_loss(za, zb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, steps = total + loss.item(), steps + 1
        schedule.step()
        print(f"epoch {epoch + 1:2d}  vicreg loss {total / steps:.3f}")

    encoder.eval()
    with torch.no_grad():
        features_train, features_test = encoder(x_train).numpy(), encoder(x_test).numpy()
    few = slice(0, 200)
    probe = LogisticRegression(max_iter=2000).fit(features_train[few], y_train[few])
    print(f"probe accuracy {probe.score(features_test, y_test):.4f} (200 labels)")


if __name__ == "__main__":
    main()
