import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(len(digits.target))
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)[order]
labels = torch.tensor(digits.target)[order]
images = (images - images[:1400].mean()) / images[:1400].std()
train_loader = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(images[1400:], labels[1400:]), batch_size=100)


def conv(inside, outside):
    layer = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    nn.init.normal_(layer.weight, std=0.02)
    return [layer, nn.BatchNorm2d(outside), nn.ReLU()]


model = nn.Sequential(
    *conv(1, 16), *conv(16, 16), nn.MaxPool2d(2), *conv(16, 32), *conv(32, 32),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


@torch.no_grad()
def evaluate():
    model.eval()
    hits = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    return hits / len(val_loader.dataset)


print(f"before training: {evaluate():.3f}")
for epoch in range(5):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation accuracy {evaluate():.3f}")
