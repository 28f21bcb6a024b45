import numpy as np
import skimage.data
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

MICRO, ACCUM, EPOCHS = 8, 4, 8


def texture_patches(n, seed, lo, hi, size=20):
    rng = np.random.default_rng(seed)
    xs, ys = [], []
    for k, name in enumerate(["brick", "grass", "gravel", "page"]):
        im = getattr(skimage.data, name)().astype(np.float32) / 255
        for _ in range(n):
            r = rng.integers(int(lo * im.shape[0]), int(hi * im.shape[0]) - size)
            c = rng.integers(0, im.shape[1] - size)
            xs.append(im[r:r + size, c:c + size])
            ys.append(k)
    x = torch.tensor(np.stack(xs))[:, None]
    return (x - 0.47) / 0.2, torch.tensor(ys)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.na = nn.GroupNorm(4, 16)
        self.b = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.nb = nn.GroupNorm(4, 32)
        self.fc = nn.Linear(32, 4)

    def forward(self, x):
        x = F.max_pool2d(F.gelu(self.na(self.a(x))), 2)
        x = F.max_pool2d(F.gelu(self.nb(self.b(x))), 2)
        return self.fc(x.mean((2, 3)))


def main():
    torch.manual_seed(2)
    x, y = texture_patches(180, 0, 0.0, 0.6)
    xv, yv = texture_patches(60, 1, 0.6, 1.0)
    loader = DataLoader(TensorDataset(x, y), batch_size=MICRO, shuffle=True, drop_last=True)
    net = Net()
    opt = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
    updates = EPOCHS * len(loader) // ACCUM + 1
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, total_steps=updates + EPOCHS)
    for epoch in range(EPOCHS):
        net.train()
        total, norms = 0.0, []
        opt.zero_grad()
        for i, (xb, yb) in enumerate(loader):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(net(xb), yb) / ACCUM
            loss.backward()
            total += loss.item() * ACCUM
            if (i + 1) % ACCUM == 0 or i + 1 == len(loader):
                norms.append(nn.utils.clip_grad_norm_(net.parameters(), 0.1).item())
                opt.step()
                sched.step()
                opt.zero_grad()
        net.eval()
        with torch.no_grad():
            acc = (net(xv).argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch} loss {total / len(loader):.4f} grad_norm {np.mean(norms):.2f} val_acc {acc:.4f}")


main()
