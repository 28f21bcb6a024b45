"""Face or no face, 25x25 pixels."""
import torch
from skimage.data import lfw_subset
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
images = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
labels = torch.cat([torch.ones(100), torch.zeros(100)])
order = torch.randperm(200)
train, val = order[:150], order[150:]
images = (images - images[train].mean()) / images[train].std()


def block(inside, outside):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside, track_running_stats=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


model = nn.Sequential(block(1, 8), block(8, 16), block(16, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 1))
train_loader = DataLoader(TensorDataset(images[train], labels[train]), batch_size=25, shuffle=True)
val_loader = DataLoader(TensorDataset(images[val], labels[val]), batch_size=1)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.BCEWithLogitsLoss()

for epoch in range(15):
    model.train()
    for batch, target in train_loader:
        loss = loss_fn(model(batch).squeeze(1), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    hits = 0
    with torch.no_grad():
        for batch, target in val_loader:
            hits += ((model(batch).squeeze(1) > 0) == target.bool()).sum().item()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} val accuracy {hits / len(val):.3f}")
