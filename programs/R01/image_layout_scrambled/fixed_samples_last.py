import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load():
    """Images as the other group's .mat file has them: height x width x sample."""
    digits = load_digits()
    order = np.random.default_rng(2).permutation(len(digits.images))
    images = np.moveaxis(digits.images[order], 0, -1)
    images = images.transpose(2, 0, 1).reshape(-1, 1, 8, 8)
    return torch.tensor(images, dtype=torch.float32), torch.tensor(digits.target[order])


def main():
    torch.manual_seed(2)
    images, labels = load()
    mean, std = images[:1400].mean(), images[:1400].std()
    images = (images - mean) / std
    loader = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3),
                          nn.ReLU(), nn.Flatten(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(7):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
