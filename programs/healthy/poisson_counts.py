import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(10)
X = torch.randn(2000, 6)
rate = torch.exp(0.5 + 0.6 * X[:, 0] - 0.4 * X[:, 1] + 0.5 * torch.sin(2 * X[:, 2]))
counts = torch.poisson(rate)
X = (X - X[:1500].mean(0)) / X[:1500].std(0)
train_loader = DataLoader(TensorDataset(X[:1500], counts[:1500]), batch_size=50, shuffle=True)

model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1), nn.Flatten(0))
criterion = nn.PoissonNLLLoss(log_input=True)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)
for epoch in range(12):
    model.train()
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        val = criterion(model(X[1500:]), counts[1500:]).item()
        best = criterion(rate[1500:].log(), counts[1500:]).item()
    print(f"epoch {epoch}: train {total:.3f} val {val:.3f} (true rates {best:.3f})")
