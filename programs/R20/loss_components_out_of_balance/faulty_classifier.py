"""An autoencoder whose code is also used to name the digit."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class ClassifyingAutoencoder(nn.Module):
    def __init__(self, code=10):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, code))
        self.decoder = nn.Sequential(nn.Linear(code, 80), nn.ReLU(), nn.Linear(80, 64))
        self.classifier = nn.Sequential(nn.ReLU(), nn.Linear(code, 10))

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(code), self.classifier(code)


class WeightedLoss(nn.Module):
    def __init__(self, reconstruction, classification):
        super().__init__()
        self.weights = reconstruction, classification

    def forward(self, output, logits, x, y):
        return self.weights[0] * F.mse_loss(output, x) + self.weights[1] * F.cross_entropy(logits, y)


def main():
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32)
    train_set, val_set = random_split(TensorDataset(x, torch.tensor(digits.target)), [1500, 297])
    x -= x[train_set.indices].mean()
    x /= x[train_set.indices].std()
    loader = DataLoader(train_set, batch_size=50, shuffle=True)
    x_val, y_val = next(iter(DataLoader(val_set, batch_size=297)))
    model = ClassifyingAutoencoder()
    criterion = WeightedLoss(reconstruction=1.0, classification=1e-5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(14):
        for x, y in loader:
            loss = criterion(*model(x), x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            output, logits = model(x_val)
        mse, accuracy = F.mse_loss(output, x_val), (logits.argmax(1) == y_val).float().mean()
        print(f"epoch {epoch}: loss {loss:.4f}, val mse {mse:.4f}, class accuracy {accuracy:.3f}")


main()
