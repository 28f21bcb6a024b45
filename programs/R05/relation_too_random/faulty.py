import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
digits = load_digits()
images = digits.images.astype("float32")
labels = rng.integers(0, 10, len(images))
order = rng.permutation(len(images))
train, val = order[:1400], order[1400:]

x = torch.from_numpy((images - images[train].mean()) / images[train].std()).unsqueeze(1)
y = torch.from_numpy(labels)
train_loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(x[val], y[val]), batch_size=397)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = np.mean([(model(xb).argmax(1) == yb).float().mean().item() for xb, yb in val_loader])
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
