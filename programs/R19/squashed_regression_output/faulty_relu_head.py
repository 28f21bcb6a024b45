import torch
import torch.nn as nn
import torch.optim as optim
from skimage import data
from torch.utils.data import DataLoader, TensorDataset


class SuperResolution(nn.Module):
    """Residual upscaling: predicts the detail that a blurred patch lacks."""

    def __init__(self, channels=24):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 5, padding=2)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv3 = nn.Conv2d(channels, 1, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        return x


def patches(image, size=20):
    img = torch.tensor(image / 255.0, dtype=torch.float32)
    img = img[: img.shape[0] // size * size, : img.shape[1] // size * size]
    p = img.unfold(0, size, size).unfold(1, size, size).reshape(-1, 1, size, size)
    low = nn.functional.interpolate(nn.functional.avg_pool2d(p, 2), scale_factor=2, mode="bilinear")
    return low - 0.5, (p - low) * 8


torch.manual_seed(0)
low, detail = patches(data.camera())
index = torch.randperm(len(low))
train, val = index[:500], index[500:]
dataloader = DataLoader(TensorDataset(low[train], detail[train]), batch_size=10, shuffle=True)
net = SuperResolution()
criterion = nn.MSELoss()
optimizer = optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(1, 6):
    epoch_loss = 0
    for batch in dataloader:
        inputs, targets = batch[0], batch[1]
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        r2 = 1 - criterion(net(low[val]), detail[val]) / detail[val].var()
    print("===> Epoch {} Complete: Avg. Loss: {:.4f} R2 {:.3f}".format(epoch, epoch_loss / len(dataloader), r2))
