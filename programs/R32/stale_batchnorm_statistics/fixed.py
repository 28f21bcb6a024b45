import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
train_set, val_set = random_split(TensorDataset(images, torch.tensor(digits.target)), [1440, 357])
mean, std = images[train_set.indices].mean(), images[train_set.indices].std()


def norm(channels):
    return nn.BatchNorm2d(channels, momentum=0.1)


model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), norm(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1), norm(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 32, 3, padding=1), norm(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
    nn.Flatten(), nn.Linear(32, 10),
)
train_loader = DataLoader(train_set, batch_size=48, shuffle=True)
val_loader = DataLoader(val_set, batch_size=119)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(6):
    model.train()
    loss_sum = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model((x - mean) / std), y)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item()
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in val_loader:
            hits += (model((x - mean) / std).argmax(1) == y).sum().item()
    print(f"epoch {epoch}: train loss {loss_sum / len(train_loader):.4f}, val accuracy {hits / len(val_set):.4f}")
