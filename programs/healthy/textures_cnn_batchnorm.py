"""Tell four materials apart from 16x16 patches."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import data

torch.manual_seed(1)
rng = np.random.default_rng(1)


def patches(image, size=16):
    h, w = (s // size * size for s in image.shape)
    image = image[:h, :w].reshape(h // size, size, w // size, size)
    return image.swapaxes(1, 2).reshape(-1, size, size)


images = [patches(getattr(data, name)()) for name in ("brick", "grass", "gravel", "camera")]
x = np.concatenate([p[rng.permutation(len(p))[:300]] for p in images]).astype("float32")
y = np.repeat(np.arange(4), 300)
order = rng.permutation(len(x))
train, val = order[:900], order[900:]
mean, std = x[train].mean(), x[train].std()
x = torch.from_numpy((x - mean) / std).unsqueeze(1)
y = torch.from_numpy(y)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(x.mean(dim=(2, 3)))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)

for epoch in range(10):
    model.train()
    losses = []
    for idx in torch.randperm(len(train)).split(50):
        xb, yb = x[train[idx]], y[train[idx]]
        loss = F.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"{epoch:2d}  loss {np.mean(losses):.3f}  val acc {accuracy:.3f}")
