"""Digits with a small residual CNN, label smoothing, one-cycle schedule and an EMA copy for evaluation."""
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
np.random.seed(0)
torch.set_num_threads(1)

BATCH, EPOCHS, MAX_LR = 64, 14, 0.05


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.b1 = nn.BatchNorm2d(c)
        self.c2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.b2 = nn.BatchNorm2d(c)

    def forward(self, x):
        h = F.relu(self.b1(self.c1(x)))
        return F.relu(x + self.b2(self.c2(h)))


class Net(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU())
        self.stage1 = ResBlock(c)
        self.down = nn.Conv2d(c, 2 * c, 3, stride=2, padding=1)
        self.stage2 = ResBlock(2 * c)
        self.fc = nn.Linear(2 * c, 10)

    def forward(self, x):
        x = self.stage2(F.relu(self.down(self.stage1(self.stem(x)))))
        return self.fc(x.mean((2, 3)))


class EMA:
    """Shadow weights; buffers (BatchNorm statistics) are copied as they are."""

    def __init__(self, model, decay=0.97):
        self.decay = decay
        self.shadow = copy.deepcopy(model).eval()
        for p in self.shadow.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)
        for s, b in zip(self.shadow.buffers(), model.buffers()):
            s.copy_(b)


def random_shift(x):
    """Shift every picture by at most one pixel in each direction."""
    n = len(x)
    padded = F.pad(x, (1, 1, 1, 1), value=float(x.min()))
    oy, ox = np.random.randint(0, 3, size=n), np.random.randint(0, 3, size=n)
    return torch.stack([padded[k, :, oy[k]:oy[k] + 8, ox[k]:ox[k] + 8] for k in range(n)])


data = load_digits()
x_tr, x_te, y_tr, y_te = train_test_split(data.images.astype(np.float32) / 16.0, data.target,
                                          test_size=0.25, stratify=data.target, random_state=0)
mean, std = x_tr.mean(), x_tr.std()
x_tr = torch.from_numpy((x_tr - mean) / std).unsqueeze(1)
x_te = torch.from_numpy((x_te - mean) / std).unsqueeze(1)
y_tr, y_te = torch.from_numpy(y_tr), torch.from_numpy(y_te)

net = Net()
ema = EMA(net)
steps = (len(x_tr) + BATCH - 1) // BATCH
opt = torch.optim.SGD(net.parameters(), lr=MAX_LR, momentum=0.9, nesterov=True, weight_decay=5e-4)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=MAX_LR, total_steps=EPOCHS * steps, pct_start=0.3)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)


@torch.no_grad()
def accuracy(model):
    model.eval()
    return (model(x_te).argmax(1) == y_te).float().mean().item()


for epoch in range(EPOCHS):
    net.train()
    perm = torch.randperm(len(x_tr))
    total = 0.0
    for i in range(0, len(perm), BATCH):
        idx = perm[i:i + BATCH]
        loss = criterion(net(random_shift(x_tr[idx])), y_tr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        ema.update(net)
        total += loss.item() * len(idx)
    print(f"epoch {epoch + 1:2d} loss {total / len(x_tr):.3f} raw acc {accuracy(net):.4f} ema acc {accuracy(ema.shadow):.4f}")
