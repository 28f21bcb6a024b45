import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
digits = load_digits()
perm = torch.randperm(len(digits.data))
x = torch.tensor(digits.data, dtype=torch.float32)[perm]
y = torch.tensor(digits.target)[perm]
x = (x - x[:1400].mean()) / x[:1400].std()
train_loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=40, shuffle=True)
val_x, val_y = x[1400:], y[1400:]

net = nn.Sequential(
    nn.Unflatten(1, (1, 8, 8)),
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
    nn.Flatten(), nn.Linear(32, 10),
)
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = StepLR(optimizer, step_size=4, gamma=0.1)

for epoch in range(10):
    net.train()
    seen, loss_sum = 0, 0.0
    for xb, yb in train_loader:
        loss = nn.functional.cross_entropy(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        seen += len(xb)
        loss_sum += loss.item() * len(xb)
    net.eval()
    with torch.no_grad():
        accuracy = (net(val_x).argmax(1) == val_y).float().mean()
    print(f"epoch {epoch} loss {loss_sum / seen:.4f} val accuracy {accuracy:.4f}")
