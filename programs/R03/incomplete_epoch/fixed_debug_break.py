import torch
from skimage import data
from torch import nn
from torch.utils.data import DataLoader, Dataset

DEBUG = False
SIZE = 20
NAMES = ("brick", "grass", "gravel", "camera")


class PatchDataset(Dataset):
    def __init__(self, train):
        self.samples = []
        for label, name in enumerate(NAMES):
            image = torch.tensor(getattr(data, name)(), dtype=torch.float32) / 255
            rows = range(0, 340, SIZE) if train else range(340, 490, SIZE)
            self.samples += [(image[r : r + SIZE, c : c + SIZE][None] - 0.5, label) for r in rows for c in range(0, 490, SIZE)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


def train_one_epoch(model, loader, optimizer, criterion):
    model.train()
    running_loss = 0.0
    for step, (inputs, targets) in enumerate(loader):
        if DEBUG and step >= 3:
            break
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    return running_loss / (step + 1)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hits = [(model(x).argmax(1) == y) for x, y in loader]
    return torch.cat(hits).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    train_loader = DataLoader(PatchDataset(True), batch_size=32, shuffle=True)
    test_loader = DataLoader(PatchDataset(False), batch_size=64)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(128, 4),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(3):
        loss = train_one_epoch(model, train_loader, optimizer, criterion)
        print(f"Epoch {epoch}: train loss {loss:.3f}, test accuracy {evaluate(model, test_loader):.3f}")
