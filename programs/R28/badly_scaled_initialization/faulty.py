"""A deep plain network on digits."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x = torch.tensor(x, dtype=torch.float32)
train, val = random_split(TensorDataset(x, torch.tensor(y)), [1500, 297])
mean, std = x[train.indices].mean(), x[train.indices].std()
loader = DataLoader(train, batch_size=50, shuffle=True)

widths = [64, 64, 64, 64, 64, 64]
layers = []
for inside, outside in zip(widths[:-1], widths[1:]):
    layers += [nn.Linear(inside, outside), nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(64, 10))


def init(module):
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight)
        nn.init.zeros_(module.bias)


model.apply(init)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(10):
    model.train()
    for inputs, targets in loader:
        loss = nn.functional.cross_entropy(model((inputs - mean) / std), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        inputs, targets = x[val.indices], torch.tensor(y)[val.indices]
        logits = model((inputs - mean) / std)
        accuracy = (logits.argmax(1) == targets).float().mean().item()
    print(f"epoch {epoch} train loss {loss.item():.4f} val acc {accuracy:.3f}")
