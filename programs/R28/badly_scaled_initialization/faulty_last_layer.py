import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(1797)
images = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1)
labels = torch.tensor(digits.target)[order]
images = (images - images[:1440].mean()) / images[:1440].std()
train = DataLoader(TensorDataset(images[:1440], labels[:1440]), batch_size=48, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
)
for module in model.modules():
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 3)
        nn.init.zeros_(module.bias)

optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(7):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[1440:]).argmax(1) == labels[1440:]).float().mean()
    print(f"epoch {epoch} loss {loss.item():.3f} validation accuracy {accuracy.item():.3f}")
