import numpy as np
import torch
from torch import nn

torch.manual_seed(2)
rng = np.random.default_rng(2)
CLASSES, T, N = 6, 40, 900


def make_series(n):
    y = rng.integers(0, CLASSES, n)
    t = np.linspace(0, 1, T)
    freq = 1.5 + y * 0.8
    phase = rng.uniform(0, 1.2, n)
    a = np.sin(2 * np.pi * freq[:, None] * t + phase[:, None])
    b = np.cos(2 * np.pi * (freq[:, None] + 1) * t) * ((y % 2)[:, None] * 2 - 1)
    x = np.stack([a, b], -1) + rng.normal(0, 0.5, (n, T, 2))
    return x.astype(np.float32), y


def annotate(y, reliability, raters):
    votes = np.repeat(y[:, None], raters, axis=1)
    wrong = rng.random(votes.shape) > reliability
    votes[wrong] = rng.integers(0, CLASSES, wrong.sum())
    return votes


def majority(votes):
    return np.array([np.bincount(v, minlength=CLASSES).argmax() for v in votes])


x_train, gold = make_series(N)
x_test, y_test = make_series(400)
votes = annotate(gold, reliability=0.4, raters=15)
y_train = majority(votes)


class GestureGRU(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.GRU(2, hidden, batch_first=True)
        self.out = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, CLASSES))

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h.mean(1))


X, Y = torch.tensor(x_train), torch.tensor(y_train)
XT, YT = torch.tensor(x_test), torch.tensor(y_test)
net = GestureGRU()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
for epoch in range(40):
    net.train()
    perm = torch.randperm(N)
    losses, hits = [], 0
    for k in range(0, N, 50):
        b = perm[k:k + 50]
        logits = net(X[b])
        loss = nn.functional.cross_entropy(logits, Y[b])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        hits += (logits.argmax(1) == Y[b]).sum().item()
    net.eval()
    with torch.no_grad():
        acc = (net(XT).argmax(1) == YT).float().mean().item()
    print(f"epoch {epoch:02d} loss {np.mean(losses):.3f} train_acc {hits / N:.3f} test_acc {acc:.3f}")
