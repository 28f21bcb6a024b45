import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(3)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)
d = torch.tensor(digits.target)
prime = (d == 2) | (d == 3) | (d == 5) | (d == 7)
attributes = torch.stack([d % 2 == 0, d >= 5, prime, d % 3 == 0], dim=1).float()
train_set, val_set = random_split(TensorDataset(images, attributes), [1400, 397])
mean = images[train_set.indices].mean()
std = images[train_set.indices].std()
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=397)


class AttributeNet(nn.Module):
    """Predicts: even, five or more, prime, divisible by three."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Linear(64, 96),
            nn.ReLU(),
            nn.Linear(96, 96),
            nn.ReLU(),
        )
        self.out = nn.Linear(96, 4)

    def forward(self, x):
        h = self.features(((x - mean) / std).flatten(1))
        return self.out(h)


model = AttributeNet()
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(12):
    model.train()
    running = 0.0
    for x, target in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), target)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        x, target = next(iter(val_loader))
        predicted = torch.sigmoid(model(x)) > 0.5
        hits = (predicted & (target > 0.5)).sum().item()
        f1 = 2 * hits / (predicted.sum().item() + target.sum().item())
    print(f"epoch {epoch + 1}: loss {running / len(train_loader):.4f} validation F1 {f1:.3f}")
