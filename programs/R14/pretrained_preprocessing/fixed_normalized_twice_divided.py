"""Which photograph a patch is from: a pretrained body, fine-tuned together with its new head."""
from pathlib import Path

import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def to_tensor(picture):
    """Bytes (H, W, 3) to (3, H, W) numbers from 0 to 1, as torchvision does it."""
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255


def normalize(x):
    return (x - MEAN) / STD


class Tiles(Dataset):
    def __init__(self, names, keep):
        self.tiles = []
        for label, name in enumerate(names):
            photo = getattr(data, name)()
            height, width = photo.shape[:2]
            places = [(top, left) for top in range(0, height - 31, 32) for left in range(0, width - 31, 32)]
            self.tiles += [
                (photo[top:top + 32, left:left + 32], label)
                for number, (top, left) in enumerate(places) if keep(number)]

    def __len__(self):
        return len(self.tiles)

    def __getitem__(self, index):
        picture, label = self.tiles[index]
        return normalize(to_tensor(picture.copy())), label


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.body.load_state_dict(torch.load(Path(__file__).with_name("photos.pt"), weights_only=True))
        self.head = nn.Linear(48, classes)

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, x):
        return self.head(self.body(x))


torch.manual_seed(11)
names = ("astronaut", "chelsea", "coffee", "rocket")
training = DataLoader(Tiles(names, lambda number: number % 3), batch_size=32, shuffle=True)
held_out = DataLoader(Tiles(names, lambda number: number % 3 == 0), batch_size=100)
model = Net(len(names))
optimizer = torch.optim.Adam([
    {"params": model.body.parameters(), "lr": 1e-4},
    {"params": model.head.parameters(), "lr": 3e-3},
])
criterion = nn.CrossEntropyLoss()
for epoch in range(5):
    model.train()
    for x, y in training:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in held_out)
    print(f"epoch {epoch}: loss {loss.item():.3f}, held-out accuracy {right / len(held_out.dataset):.3f}")
