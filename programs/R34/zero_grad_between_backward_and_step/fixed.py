import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
train_set, val_set = random_split(TensorDataset(images, torch.tensor(digits.target)), [1400, 397])
images -= images[train_set.indices].mean()
images /= images[train_set.indices].std()
train_loader = DataLoader(train_set, batch_size=50, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=397)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 24, 3, padding=1, bias=False),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(24, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(x)
    model.eval()
    with torch.no_grad():
        x, y = next(iter(val_loader))
        logits = model(x)
    acc = (logits.argmax(1) == y).float().mean()
    val_loss = loss_fn(logits, y)
    print(f"epoch {epoch} train loss {train_loss / 1400:.4f} val loss {val_loss:.4f} val acc {acc:.4f}")
