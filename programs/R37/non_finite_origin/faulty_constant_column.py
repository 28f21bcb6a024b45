import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def standardize(x, mean, std):
    return (x - mean) / std


def main():
    torch.manual_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    pixels = torch.tensor(pixels, dtype=torch.float32)
    labels = torch.tensor(labels)
    train, val = random_split(range(len(labels)), [1437, 360])
    train, val = torch.tensor(list(train)), torch.tensor(list(val))
    mean, std = pixels[train].mean(0), pixels[train].std(0)
    pixels = standardize(pixels, mean, std).clamp(-4, 4)

    model = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = DataLoader(TensorDataset(pixels[train], labels[train]), batch_size=64, shuffle=True)
    for epoch in range(8):
        model.train()
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(pixels[val])
        val_loss = nn.functional.cross_entropy(logits, labels[val]).item()
        accuracy = (logits.argmax(1) == labels[val]).float().mean().item()
        print(f"epoch {epoch}: val loss {val_loss:.4f}, val accuracy {accuracy:.4f}")


main()
