"""Self-supervised pretraining (SimCLR) on unlabelled digits, then a linear probe with few labels."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TEMPERATURE = 0.3
PRETRAIN_EPOCHS = 25


def augment(x):
    """Random shift, contrast, noise and a small erased square."""
    n = x.size(0)
    padded = F.pad(x, (1, 1, 1, 1))
    out = torch.empty_like(x)
    dy, dx = torch.randint(0, 3, (n,)), torch.randint(0, 3, (n,))
    ey, ex = torch.randint(0, 7, (n,)), torch.randint(0, 7, (n,))
    for i in range(n):
        out[i] = padded[i, :, dy[i]:dy[i] + 8, dx[i]:dx[i] + 8]
        out[i, :, ey[i]:ey[i] + 2, ex[i]:ex[i] + 2] = 0
    gain = 0.7 + 0.6 * torch.rand(n, 1, 1, 1)
    return out * gain + 0.08 * torch.randn_like(out)


class Encoder(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, dim), nn.ReLU(),
        )

    def forward(self, x):
        return self.net(x)


def nt_xent(z1, z2, temperature=TEMPERATURE):
    n = z1.size(0)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.t() / temperature
    sim.fill_diagonal_(float("-inf"))           # not a pair with itself
    target = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return F.cross_entropy(sim, target)


def pretrain(encoder, x):
    projector = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
    params = list(encoder.parameters()) + list(projector.parameters())
    opt = torch.optim.Adam(params, lr=1e-3)
    for epoch in range(PRETRAIN_EPOCHS):
        encoder.train()
        total, steps = 0.0, 0
        for idx in torch.randperm(len(x)).split(128):
            if len(idx) < 128:
                continue
            loss = nt_xent(projector(encoder(augment(x[idx]))), projector(encoder(augment(x[idx]))))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
            steps += 1
        if (epoch + 1) % 5 == 0:
            print(f"pretrain epoch {epoch + 1:2d} nt-xent {total / steps:.4f}")


def linear_probe(encoder, x_tr, y_tr, x_te, y_te):
    encoder.eval()
    with torch.no_grad():
        f_tr, f_te = encoder(x_tr), encoder(x_te)
    mu, sd = f_tr.mean(0), f_tr.std(0) + 1e-5
    f_tr, f_te = (f_tr - mu) / sd, (f_te - mu) / sd
    head = nn.Linear(64, 10)
    opt = torch.optim.AdamW(head.parameters(), lr=1e-2, weight_decay=0.05)
    for epoch in range(60):
        loss = F.cross_entropy(head(f_tr), y_tr)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if (epoch + 1) % 20 == 0:
            with torch.no_grad():
                acc = (head(f_te).argmax(1) == y_te).float().mean().item()
            print(f"probe step {epoch + 1} loss {loss.item():.4f} probe test accuracy {acc:.4f}")


def main():
    torch.manual_seed(6)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    y = torch.tensor(digits.target)
    ids = torch.arange(len(x))
    pre, test = train_test_split(ids, test_size=0.25, stratify=digits.target, random_state=2)
    labelled, _ = train_test_split(pre, train_size=200, stratify=y[pre], random_state=2)

    encoder = Encoder()
    pretrain(encoder, x[pre])                   # no labels here
    linear_probe(encoder, x[labelled], y[labelled], x[test], y[test])


if __name__ == "__main__":
    main()
