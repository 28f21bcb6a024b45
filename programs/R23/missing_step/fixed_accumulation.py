import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

X, y = load_diabetes(return_X_y=True)
perm = torch.randperm(len(X))
X = torch.tensor(X, dtype=torch.float32)[perm]
y = torch.tensor(y, dtype=torch.float32)[perm].unsqueeze(1)
X = (X - X[:360].mean(0)) / X[:360].std(0)
y = (y - y[:360].mean(0)) / y[:360].std(0)
loader = DataLoader(TensorDataset(X[:360], y[:360]), batch_size=8, shuffle=True)

model = nn.Sequential(nn.Linear(10, 16), nn.SiLU(), nn.Linear(16, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
accumulate = 4

for epoch in range(15):
    total = 0.0
    optimizer.zero_grad()
    for i, (xb, yb) in enumerate(loader, start=1):
        loss = nn.functional.l1_loss(model(xb), yb)
        (loss / accumulate).backward()
        if i % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item()
    scheduler.step()
    with torch.no_grad():
        mae = (model(X[360:]) - y[360:]).abs().mean().item()
    print(f"epoch {epoch}: train mae {total / len(loader):.4f}, val mae {mae:.4f}")
