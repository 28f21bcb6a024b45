import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import nn

torch.manual_seed(71)
P = 24


def gather(n, seed, lo, hi):
    rng = np.random.default_rng(seed)
    ims = [skimage.data.brick(), skimage.data.grass(), skimage.data.gravel(), skimage.data.moon(), skimage.data.page(), skimage.data.coins()]
    x, y = [], []
    for k, im in enumerate(ims):
        for _ in range(n):
            r, c = rng.integers(int(lo * im.shape[0]), int(hi * im.shape[0]) - P), rng.integers(0, im.shape[1] - P)
            x.append(im[r:r + P, c:c + P] / 255.0)
            y.append(k)
    return torch.tensor(np.stack(x), dtype=torch.float32)[:, None], np.array(y)


def augment(x):
    i, j = torch.randint(0, 9, (2,)).tolist()
    x = x[:, :, i:i + 16, j:j + 16]
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    gain = torch.empty(len(x), 1, 1, 1).uniform_(0.6, 1.4)
    shift = torch.empty(len(x), 1, 1, 1).uniform_(-0.2, 0.2)
    return ((x - 0.5) * gain + shift) / 0.25 + 0.1 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(48, d, 3, padding=1, bias=False), nn.BatchNorm2d(d), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.projector = nn.Sequential(nn.Linear(d, 48), nn.ReLU(), nn.Linear(48, 24))

    def forward(self, x):
        return F.normalize(self.projector(self.body(x)), dim=1)


def nt_xent(a, b, temperature=0.1):
    z = torch.cat([a, b])
    sim = z @ z.T / temperature
    sim.fill_diagonal_(-1e9)
    n = len(a)
    partner = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(sim, partner)


def probe(model, x, y, xt, yt):
    model.eval()
    centre = lambda v: (v[:, :, 4:20, 4:20] - 0.5) / 0.25
    with torch.no_grad():
        f, ft = model.body(centre(x)).numpy(), model.body(centre(xt)).numpy()
    return LogisticRegression(max_iter=500).fit(f, y).score(ft, yt)


x, y = gather(200, 0, 0.0, 0.6)
xt, yt = gather(80, 1, 0.6, 1.0)
model = Encoder()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8)
print(f"before training linear_probe_acc {probe(model, x, y, xt, yt):.4f}")
for epoch in range(8):
    model.train()
    losses = []
    for idx in torch.randperm(len(x)).split(100):
        loss = nt_xent(model(augment(x[idx])), model(augment(x[idx])))
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    sched.step()
    print(f"epoch {epoch} contrastive {np.mean(losses):.4f} linear_probe_acc {probe(model, x, y, xt, yt):.4f}")
