import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, rows, mean=None, std=None):
        digits = load_digits()
        self.images = torch.tensor(digits.images[rows], dtype=torch.float32)
        self.labels = torch.tensor(digits.target[rows])
        self.mean = self.images.mean() if mean is None else mean
        self.std = self.images.std() if std is None else std

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        image -= self.mean
        image /= self.std
        return image.flatten(), self.labels[i]


torch.manual_seed(1)
order = torch.randperm(1797).numpy()
train_set = Digits(order[:1300])
val_set = Digits(order[1300:], train_set.mean, train_set.std)
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=500)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(7):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == y).float().mean().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
