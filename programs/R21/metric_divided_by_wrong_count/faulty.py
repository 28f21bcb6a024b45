import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
train_set, val_set = random_split(TensorDataset(images, torch.tensor(digits.target)), [1437, 360])
mean, std = images[train_set.indices].mean(), images[train_set.indices].std()
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=60)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(7):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model((x - mean) / std), y)
        loss.backward()
        optimizer.step()

    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            correct += (model((x - mean) / std).argmax(1) == y).sum().item()
    accuracy = correct / len(train_set)
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation accuracy {accuracy:.4f}")
