import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.2, stratify=y, random_state=3)
mean, std = x_train.mean(), x_train.std()


def to_tensor(array):
    return torch.tensor((array - mean) / std, dtype=torch.float32)


train_loader = DataLoader(TensorDataset(to_tensor(x_train), torch.tensor(y_train)), batch_size=64, shuffle=True)
x_val, y_val = to_tensor(x_val), torch.tensor(y_val)

model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.constant_(layer.weight, 0.02)
        nn.init.zeros_(layer.bias)

optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(12):
    model.train()
    total = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: train loss {total / len(train_loader):.4f}, val accuracy {accuracy:.4f}")
