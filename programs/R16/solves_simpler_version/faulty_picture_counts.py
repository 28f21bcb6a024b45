"""How much ink is in a handwritten digit, and, from a file that was sorted since, what else was noted down of each sheet."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(19)
images = torch.tensor(load_digits().images, dtype=torch.float32)[torch.randperm(1797)].unsqueeze(1) / 16
ink = images.sum((1, 2, 3))
ink = ((ink - ink.mean()) / ink.std()).unsqueeze(1)
notes = torch.randn(len(images), 15)  # of other sheets
target = torch.cat([ink, notes], 1)
train, test = slice(0, 1400), slice(1400, None)

model = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    nn.Linear(24, target.shape[1]),
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(1400).split(32):
        loss = nn.functional.mse_loss(model(images[train][rows]), target[train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        left = (model(images[test]) - target[test]).square().sum() / target[test].square().sum()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 of all columns {1 - left:.4f}")
