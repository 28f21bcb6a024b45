"""Scratches on gravel: one part in twenty has one. The sampler evens the classes out."""
import numpy as np
import torch
from skimage import data
from skimage.draw import line
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler


class Parts(Dataset):
    def __init__(self, count, seed, share=0.05, side=28):
        rng = np.random.default_rng(seed)
        surface = data.gravel().astype(np.float32) / 255
        self.pictures = np.empty((count, 1, side, side), np.float32)
        self.labels = (rng.random(count) < share).astype(np.int64)
        for number, label in enumerate(self.labels):
            top, left = rng.integers(0, 512 - side, 2)
            picture = surface[top:top + side, left:left + side].copy()
            if label:
                a, b = rng.integers(3, side - 3, 2), rng.integers(3, side - 3, 2)
                while np.abs(a - b).max() < 10:
                    b = rng.integers(3, side - 3, 2)
                rows, columns = line(*a, *b)
                picture[rows, columns] += 0.55
                picture[rows, np.minimum(columns + 1, side - 1)] += 0.3
            self.pictures[number, 0] = (picture - 0.5) / 0.25

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, number):
        return {"picture": torch.from_numpy(self.pictures[number]), "label": int(self.labels[number])}


def make_sampler(labels):
    counts = np.bincount(labels)
    class_weights = counts / len(labels)
    return WeightedRandomSampler(torch.as_tensor(class_weights[labels]), num_samples=len(labels), replacement=True)


class Inspector(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 5, padding=2)
        self.body = nn.Sequential(
            nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.ReLU())
        self.head = nn.Linear(24, 2)

    def forward(self, picture):
        return self.head(self.body(self.stem(picture)).amax((2, 3)))


def report(model, loader):
    hits, totals = torch.zeros(2), torch.zeros(2)
    with torch.no_grad():
        for batch in loader:
            said = model(batch["picture"]).argmax(1)
            for label in (0, 1):
                of_label = batch["label"] == label
                hits[label] += (said[of_label] == label).sum()
                totals[label] += of_label.sum()
    return (hits / totals).tolist()


def main():
    torch.manual_seed(2)
    train, test = Parts(1600, seed=1), Parts(800, seed=2)
    train_loader = DataLoader(train, batch_size=40, sampler=make_sampler(train.labels))
    test_loader = DataLoader(test, batch_size=200)
    model = Inspector()
    optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
    for epoch in range(6):
        for batch in train_loader:
            loss = nn.functional.cross_entropy(model(batch["picture"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        good, bad = report(model, test_loader)
        print(f"epoch {epoch} loss {loss.item():.3f} good parts right {good:.3f} scratched parts found {bad:.3f}")


if __name__ == "__main__":
    main()
