import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(20)
digits = load_digits()
x, y = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, val = order[:1440], order[1440:]
x = (x - x[train].mean()) / x[train].std()

micro_batch, accumulate = 16, 4
loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=micro_batch, shuffle=True, drop_last=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.GroupNorm(4, 16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.GroupNorm(4, 32),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(5):
    model.train()
    optimizer.zero_grad()
    running = 0.0
    for i, (xb, yb) in enumerate(loader, start=1):
        loss = nn.functional.cross_entropy(model(xb), yb) / accumulate
        loss.backward()
        running += loss.item()
        if i % accumulate == 0 or i == len(loader):
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: train loss {running * accumulate / len(loader):.3f} val accuracy {accuracy:.3f}")
