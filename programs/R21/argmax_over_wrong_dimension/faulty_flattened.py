import torch
import torch.nn.functional as F
from skimage import data
from torch import nn


class TextureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, stride=2)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3)
        self.norm2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 3)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


def accuracy(logits, labels):
    return (logits.argmax() == labels).float().mean().item()


torch.manual_seed(0)
photos = [torch.tensor(image, dtype=torch.float32) for image in (data.brick(), data.grass(), data.gravel())]
tiles = [photo.unfold(0, 20, 20).unfold(1, 20, 20).reshape(-1, 1, 20, 20)[:300] for photo in photos]
images, labels = torch.cat(tiles), torch.arange(3).repeat_interleave(300)
order = torch.randperm(900)
train, val = order[:700], order[700:]
images = (images - images[train].mean()) / images[train].std()

net = TextureNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
for epoch in range(10):
    net.train()
    for rows in train[torch.randperm(700)].split(50):
        loss = F.cross_entropy(net(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        logits = net(images[val])
    val_loss = F.cross_entropy(logits, labels[val]).item()
    print(f"epoch {epoch} val loss {val_loss:.4f} accuracy {accuracy(logits, labels[val]):.4f}")
