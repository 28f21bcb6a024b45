"""Predict several properties of a digit at once: even, prime, above four, has a closed loop."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
digits = load_digits()
target = torch.tensor(digits.target)
properties = torch.stack(
    [
        target % 2 == 0,
        torch.isin(target, torch.tensor([2, 3, 5, 7])),
        target > 4,
        torch.isin(target, torch.tensor([0, 6, 8, 9])),
    ],
    dim=1,
).float()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
order = torch.randperm(len(images))
train, val = order[:1300], order[1300:]
images = (images - images[train].mean()) / images[train].std()

loader = DataLoader(TensorDataset(images[train], properties[train]), batch_size=50, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 16, 4),
)
optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(6):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(images[val])
        val_loss = criterion(logits, properties[val]).item()
        per_label = ((logits > 0).float() == properties[val]).float().mean(0)
    print(
        f"epoch {epoch}: val loss {val_loss:.3f} accuracy per property {[round(a, 3) for a in per_label.tolist()]}"
    )
