"""Face or not: a small convolutional network on 25x25 crops."""
import torch
from skimage.data import lfw_subset
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
crops = lfw_subset().astype("uint8")
images = (torch.from_numpy(crops).float().unsqueeze(1) - 0.5) / 0.2
labels = (torch.arange(200) < 100).long()
order = torch.randperm(200)
train_set = TensorDataset(images[order[:150]], labels[order[:150]])
val_set = TensorDataset(images[order[150:]], labels[order[150:]])
train_loader = DataLoader(train_set, batch_size=15, shuffle=True)
val_loader = DataLoader(val_set, batch_size=50)

model = nn.Sequential(
    nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(16 * 25, 2),
)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    model.train()
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        x, y = next(iter(val_loader))
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    print(f"epoch {epoch}: train loss {total:.3f} val accuracy {accuracy:.3f}")
