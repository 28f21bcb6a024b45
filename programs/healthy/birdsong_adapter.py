import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SR, N = 1000, 512
BIRDS = {"tit": (220, 260, 9), "finch": (150, 330, 4), "owl": (60, 50, 2), "wren": (300, 300, 16)}


def song(f0, f1, trill, rng):
    t = np.arange(N) / SR
    f = (f0 + (f1 - f0) * t / t[-1]) * rng.uniform(0.93, 1.07)
    phase = 2 * np.pi * np.cumsum(f) / SR
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * trill * t + rng.uniform(0, 6.28))
    return envelope * np.sin(phase) + rng.normal(0, 0.25, N)


def spectrogram(x, win=64, hop=32):
    x = torch.as_tensor(x, dtype=torch.float32)
    spec = torch.stft(x, win, hop, window=torch.hann_window(win), return_complex=True).abs()
    return torch.log1p(spec)


def labelled(n_per_bird, seed):
    rng = np.random.default_rng(seed)
    X, y = [], []
    for k, spec in enumerate(BIRDS.values()):
        X += [song(*spec, rng) for _ in range(n_per_bird)]
        y += [k] * n_per_bird
    return spectrogram(np.stack(X)).unsqueeze(1), torch.tensor(y)


def unlabelled(n, seed):
    """random whistles with known pitch and slope, for pretraining"""
    rng = np.random.default_rng(seed)
    p = np.stack([rng.uniform(40, 350, n), rng.uniform(40, 350, n), rng.uniform(1, 18, n)], 1)
    X = np.stack([song(*row, rng) for row in p])
    target = (p - p.mean(0)) / p.std(0)
    return spectrogram(X).unsqueeze(1), torch.tensor(target, dtype=torch.float32)


def make_encoder():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 9 * 5, 64), nn.ReLU(),
    )


def pretrain(encoder, epochs=6):
    X, target = unlabelled(1200, seed=0)
    regressor = nn.Sequential(encoder, nn.Linear(64, 3))
    opt = torch.optim.Adam(regressor.parameters(), lr=1e-3)
    for ep in range(epochs):
        perm = torch.randperm(len(X))
        losses = []
        for i in range(0, len(X), 50):
            k = perm[i : i + 50]
            loss = F.mse_loss(regressor(X[k]), target[k])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        print(f"pretrain epoch {ep + 1}: mse {np.mean(losses):.3f}")


def main():
    torch.manual_seed(0)
    encoder = make_encoder()
    pretrain(encoder)

    # only the small classifier on top is trained, the encoder stays as it is
    encoder.eval()
    encoder.requires_grad_(False)
    X, y = labelled(10, seed=1)
    X_test, y_test = labelled(60, seed=2)
    with torch.no_grad():
        Z, Z_test = encoder(X), encoder(X_test)
    mu, sd = Z.mean(0), Z.std(0) + 1e-3
    Z, Z_test = (Z - mu) / sd, (Z_test - mu) / sd

    head = nn.Linear(64, len(BIRDS))
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    opt = torch.optim.SGD(head.parameters(), lr=0.5, momentum=0.5, weight_decay=1e-2)
    for step in range(1, 61):
        loss = F.cross_entropy(head(Z), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step in (1, 5, 20, 60):
            acc = (head(Z_test).argmax(1) == y_test).float().mean().item()
            print(f"step {step:2d} train loss {loss.item():.4f} test accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
