"""MLP-Mixer on tiles of nine pictures, split by bands of each picture; one-cycle schedule per batch."""
import numpy as np
import skimage.color
import skimage.data
import skimage.transform
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
np.random.seed(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

NAMES = ["camera", "coins", "moon", "page", "text", "brick", "grass", "gravel"]
SIZE, PATCH, BAND = 32, 8, 40


def tiles(name, count, train):
    image = np.asarray(getattr(skimage.data, name)(), dtype=np.float32) / 255.0
    bands = [b for b in range(image.shape[1] // BAND) if (b % 3 != 1) == train]
    rows = np.random.randint(0, image.shape[0] - SIZE, count)
    columns = np.random.choice(bands, count) * BAND + np.random.randint(0, BAND - SIZE + 1, count)
    return np.stack([image[r:r + SIZE, c:c + SIZE] for r, c in zip(rows, columns)])


def build(count, train):
    x = np.concatenate([tiles(name, count, train) for name in NAMES])
    y = np.repeat(np.arange(len(NAMES)), count)
    return TensorDataset(torch.from_numpy(x).unsqueeze(1).sub_(0.5).div_(0.25), torch.from_numpy(y))


class MixerBlock(nn.Module):
    def __init__(self, tokens, width, token_hidden, channel_hidden):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.token_mlp = nn.Sequential(nn.Linear(tokens, token_hidden), nn.GELU(), nn.Linear(token_hidden, tokens))
        self.channel_mlp = nn.Sequential(nn.Linear(width, channel_hidden), nn.GELU(), nn.Linear(channel_hidden, width))

    def forward(self, x):
        x = x + self.token_mlp(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mlp(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, width=64, depth=4):
        super().__init__()
        self.patchify = nn.Conv2d(1, width, PATCH, PATCH)
        self.blocks = nn.Sequential(*(MixerBlock((SIZE // PATCH) ** 2, width, 32, 128) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, len(NAMES))

    def forward(self, x):
        x = self.patchify(x).flatten(2).transpose(1, 2)
        return self.fc(self.norm(self.blocks(x)).mean(dim=1))


train_set, val_set = build(200, True), build(60, False)
train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
val_loader = DataLoader(val_set, batch_size=256)
net = Mixer().to(device)
criterion = nn.CrossEntropyLoss()
EPOCHS = 14
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, epochs=EPOCHS, steps_per_epoch=len(train_loader))
for epoch in range(EPOCHS):
    net.train()
    running, seen = 0.0, 0
    for inputs, targets in train_loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
        running += loss.item() * inputs.size(0)
        seen += inputs.size(0)
    net.eval()
    val_loss, correct, total = 0.0, 0, 0
    with torch.no_grad():
        for inputs, targets in val_loader:
            inputs, targets = inputs.to(device), targets.to(device)
            outputs = net(inputs)
            val_loss += criterion(outputs, targets).item() * inputs.size(0)
            correct += outputs.argmax(1).eq(targets).sum().item()
            total += targets.size(0)
    print(f"[{epoch + 1}/{EPOCHS}] train {running / seen:.4f} val {val_loss / total:.4f} acc {100.0 * correct / total:.1f}%")
