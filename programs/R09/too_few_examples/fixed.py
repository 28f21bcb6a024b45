"""Handwritten digits: a small convolutional network, checked on other scans."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
images = (images - 0.305) / 0.376
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
held_out, rest = order[:400], order[400:]
chosen = rest[:1200]

loader = DataLoader(TensorDataset(images[chosen], labels[chosen]), batch_size=16, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    model.train()
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = model(images[held_out]).argmax(1) == labels[held_out]
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {right.float().mean().item():.3f}")
