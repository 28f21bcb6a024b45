"""Tell textures apart from strips 7 pixels high and 32 wide."""
import torch
from skimage import data
from torch import nn

torch.manual_seed(1)
height, width = 7, 32


def strips(image):
    tiles = torch.tensor(image).unfold(0, height, height).unfold(1, width, width)
    return tiles.flatten(0, 1).flatten(1)          # one row of pixels per strip


rows, labels = [], []
for label, image in enumerate([data.brick(), data.camera(), data.gravel(), data.grass()]):
    flat = strips(image)
    rows.append(flat[torch.randperm(len(flat))[:330]])
    labels += [label] * 330
images = torch.cat(rows).float().reshape(-1, 1, height, width)
labels = torch.tensor(labels)
order = torch.randperm(len(labels))
train, val = order[:1000], order[1000:]
images = (images - images[train].mean()) / images[train].std()


class Block(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


model = nn.Sequential(Block(1, 12), nn.MaxPool2d(2), Block(12, 24), nn.AdaptiveAvgPool2d(1),
                      nn.Flatten(), nn.Linear(24, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=7)
for epoch in range(7):
    model.train()
    for batch in train[torch.randperm(1000)].split(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} val accuracy {accuracy:.3f}")
