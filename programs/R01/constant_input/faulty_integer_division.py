import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from torch import nn

torch.manual_seed(2)


def load():
    tiles = []
    for name in ["brick", "grass", "gravel"]:
        image = torch.from_numpy(getattr(data, name)())
        tiles.append(image.unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 16, 16)[::3])
    labels = torch.cat([torch.full((len(t),), k) for k, t in enumerate(tiles)])
    images = torch.cat(tiles).unsqueeze(1)
    images = images // 255
    return images.float() * 4 - 2, labels


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(32)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.head(x.mean((2, 3)))


images, labels = load()
perm = torch.randperm(len(images))
train, val = perm[: int(0.75 * len(perm))], perm[int(0.75 * len(perm)) :]
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
for epoch in range(6):
    model.train()
    losses = []
    for rows in train[torch.randperm(len(train))].split(32):
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}: loss {np.mean(losses):.3f}, val accuracy {accuracy:.3f}")
