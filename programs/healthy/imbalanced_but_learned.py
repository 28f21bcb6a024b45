"""One class in fifteen is rare, and the plain loss learns it all the same."""

import torch
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
digits = load_digits()
x, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
keep = torch.cat([torch.where(y != 6)[0], torch.where(y == 6)[0][:100]])
keep = keep[torch.randperm(len(keep))]
x, y = x[keep], (y[keep] == 6).float()
x = (x - x[:1300].mean()) / x[:1300].std()
loader = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(8):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        predicted = (model(x[1300:]) > 0).float()
    print(
        f"epoch {epoch}: loss {loss.item():.4f} val F1 of the rare digit {f1_score(y[1300:], predicted):.3f}"
    )
