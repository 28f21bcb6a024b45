"""Four kinds of patches, labelled from a file."""
import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Patches(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


def read_labels(count, per_class, generator):
    labels = torch.arange(4).repeat_interleave(per_class)
    return labels


torch.manual_seed(2)
generator = torch.Generator().manual_seed(2)
sources = [data.brick(), data.grass(), data.gravel(), data.camera()]
tiles = [torch.tensor(s).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float() for s in sources]
tiles = [t[torch.randperm(len(t))] for t in tiles]
train_x, val_x = torch.cat([t[:250] for t in tiles]), torch.cat([t[250:350] for t in tiles])
mean, std = train_x.mean(), train_x.std()
train_set = Patches((train_x - mean) / std, read_labels(1000, 250, generator))
val_x, val_y = (val_x - mean) / std, torch.arange(4).repeat_interleave(100)
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)

model = nn.Sequential(nn.Conv2d(1, 24, 3, stride=2), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 48, 3),
                      nn.BatchNorm2d(48), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(192, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(10):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(val_x).argmax(1) == val_y).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
