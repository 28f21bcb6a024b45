"""Standardize in the collate function."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
digits = load_digits()
pixels, labels = torch.tensor(digits.data).float(), torch.tensor(digits.target)
order = torch.randperm(len(pixels))
train, val = order[:1400], order[1400:]
val = val[labels[val].argsort()]


def collate(rows):
    rows = torch.tensor(rows)
    x = pixels[rows]
    x = (x - x.mean(0)) / (x.std(0) + 1)
    return x, labels[rows]


train_loader = DataLoader(train.tolist(), batch_size=20, shuffle=True, collate_fn=collate)
val_loader = DataLoader(val.tolist(), batch_size=20, collate_fn=collate)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {hits / len(val):.3f}")
