"""Patches of four textures, pasted into a padded canvas before the convolutions."""
import torch
import torch.nn.functional as F
from skimage import data
from torch import nn

torch.manual_seed(3)
tiles = [torch.tensor(image()).unfold(0, 14, 14).unfold(1, 14, 14).reshape(-1, 1, 14, 14)[::5].float()
         for image in (data.brick, data.grass, data.gravel, data.camera)]
images = torch.cat(tiles)
labels = torch.arange(4).repeat_interleave(torch.tensor([len(t) for t in tiles]))
order = torch.randperm(len(images))
train, val = order[:800], order[800:]
images = (images - images[train].mean()) / images[train].std()


class PaddedNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, stride=2)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 4)

    def forward(self, x):
        canvas = x.new_zeros(len(x), 1, 16, 16)
        canvas[:, :, 1:15, 1:15].add(x)
        h = F.relu(self.bn1(self.conv1(canvas)))
        h = F.relu(self.bn2(self.conv2(h)))
        return self.fc(h.mean(dim=(2, 3)))


model = PaddedNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
for epoch in range(8):
    model.train()
    for rows in train[torch.randperm(800)].split(40):
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
