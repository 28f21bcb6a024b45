import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=300, stratify=y, random_state=0)
mean, std = x.mean(), x.std()
x = torch.tensor((x - mean) / std, dtype=torch.float32)
x_val = torch.tensor((x_val - mean) / std, dtype=torch.float32)
y, y_val = torch.tensor(y), torch.tensor(y_val)


def hidden(inside, outside):
    return [nn.Linear(inside, outside), nn.ReLU()]


depth = 7
layers = hidden(64, 64)
for _ in range(depth - 1):
    layers += hidden(64, 64)
model = nn.Sequential(*layers, nn.Linear(64, 10))
for module in model.modules():
    if isinstance(module, nn.Linear):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)

for epoch in range(10):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {total / len(x):.3f} accuracy {accuracy:.3f}")
