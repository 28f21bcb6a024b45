"""First learn to tell low from high digits, then go on with all ten of them."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(4)

digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target)
perm = torch.randperm(len(x))
train, val = perm[:1400], perm[1400:]
x = (x - x[train].mean()) / x[train].std()

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(256, 2),
)


def fit(optimizer, labels, epochs):
    for epoch in range(epochs):
        model.train()
        for batch in train[torch.randperm(len(train))].split(50):
            loss = F.cross_entropy(model(x[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(x[val])
        val_acc = (out.argmax(1) == labels[val]).float().mean()
        print(f"epoch {epoch} loss={loss.item():.3f} val_acc={val_acc:.3f}")


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
fit(optimizer, (y >= 5).long(), epochs=3)

model[-1] = nn.Linear(256, 10)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
fit(optimizer, y, epochs=8)
