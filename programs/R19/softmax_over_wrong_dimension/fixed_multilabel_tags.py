"""Multi-label: which digits are shown on a strip of three cells?"""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader, TensorDataset


def make_strips(images, labels, n, rng):
    strips, tags = [], np.zeros((n, 10), dtype=np.float32)
    for row in range(n):
        cells = []
        for _ in range(3):
            if rng.random() < 0.2:
                cells.append(np.zeros((8, 8)))
                continue
            i = rng.integers(len(images))
            cells.append(images[i] / 16)
            tags[row, labels[i]] = 1
        strips.append(np.concatenate(cells, 1))
    return TensorDataset(torch.tensor(np.array(strips), dtype=torch.float32)[:, None], torch.tensor(tags))


class TagNet(nn.Module):
    def __init__(self, num_tags=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 4 * 12, 96), nn.ReLU(), nn.Linear(96, num_tags))
        self.activation = nn.Sigmoid()

    def forward(self, x):
        return self.activation(self.head(self.features(x)))


def train_model(model, loader, criterion, optimizer, device):
    model.train()
    total = 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(inputs)
    return total / len(loader.dataset)


@torch.no_grad()
def validate_model(model, loader, device):
    model.eval()
    predictions, truth = [], []
    for inputs, targets in loader:
        predictions.append((model(inputs.to(device)) > 0.5).cpu().int())
        truth.append(targets.int())
    predictions, truth = torch.cat(predictions).numpy(), torch.cat(truth).numpy()
    return f1_score(truth, predictions, average="micro"), (predictions == truth).all(1).mean()


def main():
    torch.manual_seed(17)
    rng = np.random.default_rng(17)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    digits = load_digits()
    train_loader = DataLoader(make_strips(digits.images[:1300], digits.target[:1300], 3000, rng), 64, shuffle=True)
    val_loader = DataLoader(make_strips(digits.images[1300:], digits.target[1300:], 600, rng), 200)
    model = TagNet().to(device)
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        loss = train_model(model, train_loader, criterion, optimizer, device)
        f1, exact = validate_model(model, val_loader, device)
        print(f"epoch {epoch + 1}: loss {loss:.4f}  micro F1 {f1:.4f}  exact {exact:.4f}")


if __name__ == "__main__":
    main()
