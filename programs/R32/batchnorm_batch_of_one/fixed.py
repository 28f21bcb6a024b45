"""Digits one at a time, as they would arrive from a camera."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class StreamNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, stride=2)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 48, 3)
        self.norm2 = nn.BatchNorm2d(48)
        self.out = nn.Linear(48, 10)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv(x)))
        x = F.relu(self.norm2(self.conv2(x)).mean((2, 3)))
        return self.out(x)


BATCH = 32
torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None]
images = F.interpolate(images, size=9)
labels = torch.tensor(digits.target)
order = torch.randperm(1797)
train, val = order[:960], order[960:]
images = (images - images[train].mean()) / images[train].std()
model = StreamNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for step in range(1, 361):
    model.train()
    rows = train[torch.randint(len(train), (BATCH,))]
    loss = F.cross_entropy(model(images[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(images[val])
        accuracy = (logits.argmax(1) == labels[val]).float().mean().item()
        val_loss = F.cross_entropy(logits, labels[val]).item()
        print(f"step {step} loss {loss.item():.4f} val loss {val_loss:.4f} accuracy {accuracy:.3f}")
