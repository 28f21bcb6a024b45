import numpy as np
import torch
from skimage.data import lfw_subset
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Compose:
    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


class RandomFlip:
    def __call__(self, image):
        return image[:, ::-1].copy() if np.random.rand() < 0.5 else image


class ToTensor:
    def __call__(self, image):
        return torch.from_numpy(image).float().unsqueeze(0)


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, tensor):
        return (tensor - self.mean) / self.std


train_transform = Compose(RandomFlip(), ToTensor(), Normalize(0.47, 0.18))
val_transform = Compose(ToTensor(), Normalize(0.47, 0.18))


class Faces(Dataset):
    def __init__(self, ids, transform):
        self.images, self.ids, self.transform = lfw_subset(), ids, transform

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, k):
        i = self.ids[k]
        return self.transform(self.images[i]), int(i < 100)


def accuracy(model, loader):
    model.eval()
    with torch.inference_mode():
        return sum((model(x).argmax(-1) == y).sum().item() for x, y in loader) / len(loader.dataset)


def main():
    np.random.seed(5)
    torch.manual_seed(5)
    ids = np.random.permutation(200)
    train_loader = DataLoader(Faces(ids[:140], train_transform), batch_size=14, shuffle=True)
    val_loader = DataLoader(Faces(ids[140:], val_transform), batch_size=30)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(800, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print(f"epoch {epoch} train {accuracy(model, train_loader):.3f} val {accuracy(model, val_loader):.3f}")


main()
