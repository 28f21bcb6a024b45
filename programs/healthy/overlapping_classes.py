"""Two clouds that overlap: nobody can do better than about 78 %."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
y = torch.randint(2, (2400,))
X = torch.randn(2400, 4) + 0.55 * (2 * y - 1).unsqueeze(1) * torch.tensor([1.0, 0.8, 0.5, 0.2])
X = (X - X[:1800].mean(0)) / X[:1800].std(0)
loader = DataLoader(TensorDataset(X[:1800], y[:1800].float()), batch_size=60, shuffle=True)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(6):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(X[1800:])
        accuracy = ((logits > 0).long() == y[1800:]).float().mean().item()
    print(
        f"epoch {epoch}: val loss {criterion(logits, y[1800:].float()).item():.3f} val accuracy {accuracy:.3f}"
    )
