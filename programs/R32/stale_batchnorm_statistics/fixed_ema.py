"""Validation with an exponential moving average of the weights."""
import copy

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)
mean, std = x.mean(), x.std()
x = torch.tensor((x - mean) / std, dtype=torch.float32)
x_val = torch.tensor((x_val - mean) / std, dtype=torch.float32)
y, y_val = torch.tensor(y), torch.tensor(y_val)

model = nn.Sequential(
    nn.Linear(64, 48), nn.ReLU(), nn.BatchNorm1d(48),
    nn.Linear(48, 48), nn.ReLU(), nn.BatchNorm1d(48), nn.Linear(48, 10),
)
average = copy.deepcopy(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


@torch.no_grad()
def update_average(decay=0.9):
    for target, source in zip(average.parameters(), model.parameters()):
        target.lerp_(source, 1 - decay)
    for target, source in zip(average.buffers(), model.buffers()):
        target.copy_(source)


loader = DataLoader(TensorDataset(x, y), batch_size=36, shuffle=True, drop_last=True)
for epoch in range(10):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        update_average()
    average.eval()
    with torch.no_grad():
        accuracy = (average(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} validation accuracy {accuracy:.3f}")
