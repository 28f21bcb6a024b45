"""Images in a folder (one array per file name) and a table of labels."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

torch.manual_seed(3)
digits = load_digits()
order = np.random.default_rng(3).permutation(len(digits.target))
folder = {f"digit_{i}.png": digits.images[row].astype("float32") for i, row in enumerate(order)}
label_table = [int(digits.target[row]) for row in order]    # line i belongs to digit_i.png


class DigitFolder(Dataset):
    def __init__(self, folder, labels):
        self.names = sorted(folder)
        self.images = np.stack([folder[name] for name in self.names])
        self.labels = labels

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        return torch.from_numpy((self.images[i] - 4.9) / 6.0).unsqueeze(0), self.labels[i]


dataset = DigitFolder(folder, label_table)
train_set, val_set = random_split(dataset, [1400, 397])
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
val_loader = DataLoader(val_set, batch_size=397)
model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
                      nn.Flatten(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
