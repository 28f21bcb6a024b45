"""Images come class by class from their folders."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images, target = torch.tensor(digits.data, dtype=torch.float32), torch.tensor(digits.target)
train_x, train_y, val_x, val_y = [], [], [], []
for c in range(10):
    members = images[target == c]
    members = members[torch.randperm(len(members))]
    train_x.append(members[:140])
    val_x.append(members[140:])
    train_y.append(torch.full((len(members[:140]),), c))
    val_y.append(torch.full((len(members[140:]),), c))
train_x, train_y, val_x, val_y = map(torch.cat, (train_x, train_y, val_x, val_y))
mean, std = train_x.mean(), train_x.std()

train_loader = DataLoader(TensorDataset((train_x - mean) / std, train_y), batch_size=32)
val_loader = DataLoader(TensorDataset((val_x - mean) / std, val_y), batch_size=128)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train_loader)
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            correct += (model(x).argmax(1) == y).sum().item()
    print(f"epoch {epoch}: train loss {total:.3f}, val accuracy {correct / len(val_x):.3f}")
