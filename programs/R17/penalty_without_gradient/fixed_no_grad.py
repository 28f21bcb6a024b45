"""Small convolutional network for noisy digits, with an L1 penalty to keep its head sparse."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.features(x))

    def sparsity(self):
        return self.head.weight.abs().sum()


def main(strength=3e-3):
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.tensor(digits.images).float().unsqueeze(1) / 16 + 0.2 * torch.randn(1797, 1, 8, 8)
    y = torch.tensor(digits.target)
    loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=70, shuffle=True)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(10):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss = loss + strength * model.sparsity()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean()
            used = (model.head.weight.abs() > 0.02).float().mean()
        print(f"epoch {epoch}: loss {loss:.3f} accuracy {accuracy:.3f} share of weights in use {used:.3f}")


main()
