"""Random shifts in a Dataset, read by two worker processes."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class ShiftedDigits(Dataset):
    def __init__(self, images, labels, augment):
        self.images, self.labels, self.augment = images, labels, augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i]
        if self.augment:
            padded = nn.functional.pad(image, (1, 1, 1, 1), value=float(image.min()))
            top, left = torch.randint(0, 3, (2,)).tolist()
            image = padded[:, top : top + 8, left : left + 8]
        return image, self.labels[i]


def main():
    torch.manual_seed(70)
    digits = load_digits()
    images, labels = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)
    order = torch.randperm(len(images))
    train, val = order[:900], order[900:1200]
    images = (images - images[train].mean()) / images[train].std()
    loader = DataLoader(
        ShiftedDigits(images[train], labels[train], True),
        batch_size=30,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    val_loader = DataLoader(ShiftedDigits(images[val], labels[val], False), batch_size=300)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(8):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader) / len(
                val_loader
            )
        print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
