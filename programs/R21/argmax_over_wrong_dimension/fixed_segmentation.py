import numpy as np
import torch
from skimage import data, filters
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def build_data(n=300, size=16, seed=0):
    """Three classes of pixels of the coffee photograph: dark, middle, bright after smoothing."""
    rgb = data.coffee().astype(np.float32) / 255
    grey = filters.gaussian(rgb.mean(2), 2)
    labels = np.digitize(grey, [0.25, 0.5])
    rng = np.random.RandomState(seed)
    r, c = rng.randint(0, rgb.shape[0] - size, n), rng.randint(0, rgb.shape[1] - size, n)
    x = np.stack([rgb[a : a + size, b : b + size].transpose(2, 0, 1) for a, b in zip(r, c)])
    y = np.stack([labels[a : a + size, b : b + size] for a, b in zip(r, c)])
    return TensorDataset(torch.from_numpy(x - 0.5), torch.from_numpy(y).long())


def pixel_accuracy(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, masks in loader:
            preds = model(images).argmax(dim=1)
            right += (preds == masks).sum().item()
            total += masks.numel()
    return right / total


def main():
    torch.manual_seed(0)
    train_loader = DataLoader(build_data(240, seed=0), batch_size=12, shuffle=True)
    val_loader = DataLoader(build_data(60, seed=1), batch_size=30)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1)
    )
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(4):
        model.train()
        for images, masks in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), masks)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}, pixel accuracy {pixel_accuracy(model, val_loader):.3f}")


main()
