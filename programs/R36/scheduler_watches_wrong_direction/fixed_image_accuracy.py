import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16 - 0.3
labels = torch.tensor(labels)
train_rows, val_rows = train_test_split(torch.arange(len(labels)), test_size=0.3, stratify=labels, random_state=0)
train_loader = DataLoader(TensorDataset(images[train_rows], labels[train_rows]), batch_size=64, shuffle=True)
val_loader = DataLoader(TensorDataset(images[val_rows], labels[val_rows]), batch_size=270)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, 10),
)  # fmt: skip
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.3, patience=2)


def evaluate():
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for x, y in val_loader:
            logits = model(x)
            loss += criterion(logits, y).item() * len(y)
            correct += (logits.argmax(1) == y).sum().item()
    return loss / len(val_rows), correct / len(val_rows)


for epoch in range(30):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    val_loss, val_acc = evaluate()
    scheduler.step(val_acc)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1:2d}  lr {scheduler.get_last_lr()[0]:.5f}  val loss {val_loss:.3f}  val acc {val_acc:.3f}")
