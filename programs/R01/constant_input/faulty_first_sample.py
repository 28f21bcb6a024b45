import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, rows, mean, std):
        digits = load_digits()
        self.pixels = (torch.tensor(digits.data[rows]).float() - mean) / std
        self.labels = torch.tensor(digits.target[rows])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.pixels[0], self.labels[index]


def main():
    torch.manual_seed(4)
    order = torch.randperm(1797)
    train, val = order[:1400], order[1400:]
    pixels = torch.tensor(load_digits().data)[train].float()
    mean, std = pixels.mean(), pixels.std()
    train_loader = DataLoader(Digits(train, mean, std), batch_size=50, shuffle=True)
    val_loader = DataLoader(Digits(val, mean, std), batch_size=397)
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for epoch in range(8):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader)
        print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")


main()
