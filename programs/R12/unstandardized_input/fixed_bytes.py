import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from torch import nn

torch.manual_seed(3)
rng = np.random.default_rng(3)
photos = [data.coffee(), data.chelsea(), data.immunohistochemistry()]
tiles, labels = [], []
for label, photo in enumerate(photos):
    h, w = photo.shape[0] // 16, photo.shape[1] // 16
    grid = photo[: 16 * h, : 16 * w].reshape(h, 16, w, 16, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 16, 16)
    tiles.append(grid[rng.permutation(len(grid))[:320]])
    labels += [label] * 320
images = torch.from_numpy(np.concatenate(tiles)).float()
labels = torch.tensor(labels)
order = torch.randperm(len(labels))
train, val = order[:720], order[720:]
images = (images - images[train].mean((0, 2, 3), keepdim=True)) / images[train].std((0, 2, 3), keepdim=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2)
        self.fc = nn.Linear(32 * 9, 3)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(x.flatten(1))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(14):
    for rows in train[torch.randperm(720)].split(36):
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
