import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8)
dataset = TensorDataset(images, torch.tensor(labels))
train_set, val_set = random_split(dataset, [1500, 297])
mean = images[train_set.indices].mean()
std = images[train_set.indices].std()
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=99)

model = nn.Sequential(
    nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Conv2d(12, 24, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(24 * 4, 48), nn.ReLU(), nn.Linear(48, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=5e-5, momentum=0.9)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    running = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model((x - mean) / std), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            correct += (model((x - mean) / std).argmax(dim=1) == y).sum().item()
    print(f"{epoch}: loss {running / len(train_loader):.3f}, val acc {correct / len(val_set):.3f}")
