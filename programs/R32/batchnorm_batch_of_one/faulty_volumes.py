import numpy as np
import torch
import torch.nn as nn
from skimage import data
from torch.utils.data import DataLoader, Dataset

NAMES = ["brick", "grass", "gravel"]


class TextureVolumes(Dataset):
    """Stacks of three neighbouring patches of a texture."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        sources = [getattr(data, name)().astype(np.float32) / 255 for name in NAMES]
        self.x, self.y = [], []
        for i in range(n):
            img = sources[i % 3]
            r, c = rng.integers(0, 512 - 20), rng.integers(0, 512 - 60)
            patch = np.stack([img[r : r + 16, c + 16 * k : c + 16 * k + 16] for k in range(3)])
            self.x.append(patch * rng.uniform(0.6, 1.4) + rng.uniform(-0.2, 0.2))
            self.y.append(i % 3)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.tensor(self.x[i], dtype=torch.float32).unsqueeze(0), self.y[i]


class Net3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv3d(1, 8, (1, 3, 3), padding=(0, 1, 1))
        self.bn1 = nn.BatchNorm3d(8)
        self.conv2 = nn.Conv3d(8, 16, (3, 3, 3), padding=(0, 1, 1))
        self.bn2 = nn.BatchNorm3d(16)
        self.drop = nn.Dropout(0.2)
        self.fc1 = nn.Linear(16 * 16, 32)
        self.bn3 = nn.BatchNorm3d(16)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool3d(x, (1, 2, 2))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = self.bn3(nn.functional.avg_pool3d(x, (1, 2, 2)))
        return self.fc2(self.drop(torch.relu(self.fc1(x.flatten(1)))))


def main():
    torch.manual_seed(0)
    train_loader = DataLoader(TextureVolumes(360, 0), batch_size=1, shuffle=True)
    val_loader = DataLoader(TextureVolumes(150, 1), batch_size=50)
    model = Net3d()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9)
    for epoch in range(5):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            acc = np.mean([(model(x).argmax(1) == y).float().mean().item() for x, y in val_loader])
        print("epoch", epoch, "val acc", round(float(acc), 3))


main()
