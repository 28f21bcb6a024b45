"""Course project: handwritten digit recognition with a ViT-like patch model + augmentation."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

SEED = 42
BATCH_SIZE = 64
EPOCHS = 18
LR = 2e-3


class Compose:
    def __init__(self, ts):
        self.ts = ts

    def __call__(self, x):
        for t in self.ts:
            x = t(x)
        return x


class RandomFlip:
    def __init__(self, p, axis):
        self.p, self.axis = p, axis

    def __call__(self, x):
        return x.flip(self.axis) if torch.rand(()) < self.p else x


class Jitter:
    def __init__(self, noise=0.05, gain=0.1):
        self.noise, self.gain = noise, gain

    def __call__(self, x):
        return x * (1 + self.gain * torch.randn(())) + self.noise * torch.randn_like(x)


class Digits(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images = torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 16
        self.labels = torch.tensor(labels)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        x = self.images[i]
        if self.transform is not None:
            x = self.transform(x)
        return x, self.labels[i]


class PatchTransformer(nn.Module):
    def __init__(self, dim=48, depth=2, heads=4):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 2, stride=2)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, 17, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.05, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 10))

    def forward(self, x):
        t = self.patch(x).flatten(2).transpose(1, 2)
        t = torch.cat([self.cls.expand(len(t), -1, -1), t], 1) + self.pos
        return self.head(self.enc(t)[:, 0])


def run_epoch(model, loader, loss_fn, opt=None):
    model.train(opt is not None)
    loss_sum = correct = n = 0
    with torch.set_grad_enabled(opt is not None):
        for x, y in loader:
            out = model(x)
            loss = loss_fn(out, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss_sum / n, correct / n


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    digits = load_digits()
    idx = np.random.default_rng(SEED).permutation(len(digits.target))
    tr, va = idx[:1300], idx[1300:]
    train_tf = Compose([Jitter()])
    train_dl = DataLoader(Digits(digits.images[tr], digits.target[tr], train_tf), BATCH_SIZE, shuffle=True)
    val_dl = DataLoader(Digits(digits.images[va], digits.target[va]), 256)

    model = PatchTransformer()
    opt = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, LR, epochs=EPOCHS, steps_per_epoch=1)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        tl, ta = run_epoch(model, train_dl, loss_fn, opt)
        vl, va_acc = run_epoch(model, val_dl, loss_fn)
        if epoch < EPOCHS - 1:
            sched.step()
        print(f"{epoch + 1:02d}/{EPOCHS} train {tl:.4f}/{ta:.3f}  val {vl:.4f}/{va_acc:.4f}")
    print("final validation accuracy:", round(va_acc, 4))


if __name__ == "__main__":
    main()
