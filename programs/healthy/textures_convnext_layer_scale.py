"""ConvNeXt blocks with layer scale and drop path on rock, grass and brick textures; AdamW, warm-up, averaged weights."""
import math

import numpy as np
import skimage.data
import torch
from torch import nn

torch.manual_seed(3)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
rng = np.random.default_rng(3)
textures = [skimage.data.brick(), skimage.data.grass(), skimage.data.gravel()]


def sample(count, rows):
    labels = rng.integers(3, size=count)
    crops = []
    for label in labels:
        top, left = rng.integers(*rows), rng.integers(512 - 24)
        crops.append(textures[label][top:top + 24, left:left + 24])
    return torch.tensor(np.stack(crops)[:, None] / 255, dtype=torch.float32), torch.tensor(labels)


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        keep = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.p
        return x * keep / (1 - self.p)


class Block(nn.Module):
    def __init__(self, width, drop, layer_scale=1e-6):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(layer_scale * torch.ones(width))
        self.drop_path = DropPath(drop)

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(nn.functional.gelu(self.up(y)))
        return x + self.drop_path(y.permute(0, 3, 1, 2))


class ConvNeXt(nn.Module):
    def __init__(self, classes=3, width=32, depth=3):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 4, stride=4)
        self.blocks = nn.Sequential(*[Block(width, 0.1 * i / (depth - 1)) for i in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x)).mean((2, 3))))


x_train, y_train = sample(2000, (0, 330))
x_test, y_test = sample(500, (360, 488))
mean, std = x_train.mean(), x_train.std()
x_train, x_test = ((x - mean) / std for x in (x_train, x_test))
model = ConvNeXt().to(device)
decay = [p for p in model.parameters() if p.ndim > 1]
no_decay = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}], lr=2e-3)
batch, epochs = 64, 10
steps = epochs * (len(x_train) // batch)
warmup = steps // 10
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda s: s / warmup if s < warmup else 0.5 * (1 + math.cos(math.pi * (s - warmup) / (steps - warmup))))
ema = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98))
for epoch in range(epochs):
    model.train()
    order = torch.randperm(len(x_train))
    for start in range(0, len(order) - batch + 1, batch):
        index = order[start:start + batch]
        xb, yb = x_train[index].to(device), y_train[index].to(device)
        if torch.rand(()) < 0.5:
            xb = xb.flip(3)
        loss = nn.functional.cross_entropy(model(xb), yb, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        ema.update_parameters(model)
    ema.eval()
    with torch.no_grad():
        accuracy = (ema(x_test.to(device)).argmax(1).cpu() == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {loss.item():.3f} ema accuracy {accuracy:.3f}")
