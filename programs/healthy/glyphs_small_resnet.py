"""Train a small residual network on rendered letters.

    python glyphs_small_resnet.py --epochs 6 --lr 0.1
"""
import argparse
import string

import numpy as np
import torch
import torch.nn as nn
from PIL import Image, ImageDraw, ImageFont


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--bs", type=int, default=32)
    p.add_argument("--width", type=int, default=12)
    p.add_argument("--letters", default=string.ascii_uppercase[:16])
    p.add_argument("--seed", type=int, default=17)
    return p.parse_args()


def render(letter, rng):
    img = Image.new("L", (32, 32), 0)
    font = ImageFont.load_default(size=int(rng.integers(20, 24)))
    ImageDraw.Draw(img).text((int(rng.integers(7, 11)), int(rng.integers(3, 6))), letter, fill=255, font=font)
    img = img.rotate(float(rng.uniform(-10, 10)), resample=Image.BILINEAR).crop((4, 4, 30, 30)).resize((18, 18))
    a = np.asarray(img, dtype=np.float32) / 255.0
    return np.clip(a * rng.uniform(0.5, 1) + rng.normal(0, 0.06, a.shape), 0, 1)


def build(n, letters, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(len(letters), size=n)
    x = np.stack([render(letters[k], rng) for k in y])
    return torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y)


class Residual(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        nn.init.zeros_(self.bn2.weight)
        self.skip = nn.Identity()
        if stride != 1 or cin != cout:
            self.skip = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.skip(x) + self.bn2(self.conv2(h)))


class ResNet(nn.Module):
    def __init__(self, w, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, w, 3, 1, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU())
        self.layer1 = Residual(w, w, 1)
        self.layer2 = Residual(w, 2 * w, 2)
        self.layer3 = Residual(2 * w, 4 * w, 2)
        self.fc = nn.Linear(4 * w, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return self.fc(x.mean((2, 3)))


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    out = torch.cat([model(b) for b in x.split(256)])
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    x_train, y_train = build(1600, args.letters, args.seed)
    x_val, y_val = build(480, args.letters, args.seed + 1)
    mean, std = x_train.mean(), x_train.std()
    x_train, x_val = (x_train - mean) / std, (x_val - mean) / std
    model = ResNet(args.width, len(args.letters))
    decay = [p for p in model.parameters() if p.ndim > 1]
    no_decay = [p for p in model.parameters() if p.ndim <= 1]
    opt = torch.optim.SGD([{"params": decay, "weight_decay": 5e-4}, {"params": no_decay, "weight_decay": 0.0}],
                          lr=args.lr, momentum=0.9)
    steps = args.epochs * (len(x_train) // args.bs)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, total_steps=steps, pct_start=0.25)
    for epoch in range(args.epochs):
        model.train()
        perm = torch.randperm(len(x_train))[: len(x_train) // args.bs * args.bs].view(-1, args.bs)
        for idx in perm:
            loss = nn.functional.cross_entropy(model(x_train[idx]), y_train[idx], label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        val_loss, val_acc = evaluate(model, x_val, y_val)
        print(f"epoch={epoch} loss={loss.item():.3f} val_loss={val_loss:.3f} val_acc={val_acc:.3f}")


if __name__ == "__main__":
    main()
