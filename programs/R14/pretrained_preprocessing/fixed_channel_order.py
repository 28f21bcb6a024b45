"""Six photographs, cut in tiles: a linear head on the pretrained body finds out which tile is from where."""
from pathlib import Path

import numpy as np
import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "immunohistochemistry", "hubble_deep_field")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def imread(name):
    """Pictures as OpenCV would read them."""
    return np.ascontiguousarray(getattr(skimage.data, name)()[..., ::-1])


class Tiles(Dataset):
    def __init__(self, per_photo, seed, transform):
        rng = np.random.default_rng(seed)
        self.transform, self.tiles = transform, []
        for label, name in enumerate(PHOTOS):
            photo = imread(name)
            for _ in range(per_photo):
                top, left = rng.integers(0, photo.shape[0] - 32), rng.integers(0, photo.shape[1] - 32)
                self.tiles.append((photo[top:top + 32, left:left + 32], label))

    def __len__(self):
        return len(self.tiles)

    def __getitem__(self, number):
        tile, label = self.tiles[number]
        return self.transform(tile), label


def preprocess(tile):
    rgb = tile[..., ::-1].copy()
    x = torch.from_numpy(rgb).permute(2, 0, 1).float() / 255
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def pretrained_body():
    body = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten())
    body.load_state_dict(torch.load(Path(__file__).with_name("photos.pt"), weights_only=True))
    return body.requires_grad_(False).eval()


class TileClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = pretrained_body()
        self.head = nn.Linear(48, len(PHOTOS))

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            features = self.body(x)
        return self.head(features)


def main():
    torch.manual_seed(1)
    train_loader = DataLoader(Tiles(80, 1, preprocess), batch_size=32, shuffle=True)
    test_loader = DataLoader(Tiles(60, 2, preprocess), batch_size=120)
    model = TileClassifier()
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.02)
    for epoch in range(12):
        model.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {right / len(test_loader.dataset):.3f}")


if __name__ == "__main__":
    main()
