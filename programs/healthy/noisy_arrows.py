import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

np.random.seed(28)
torch.manual_seed(28)

SIZE = 12
NAMES = ['up', 'down', 'left', 'right']


def arrow(k):
    img = np.zeros((SIZE, SIZE), dtype=np.float32)
    r, c = np.random.randint(4, 8, 2)
    for s in range(-3, 4):
        img[r + s, c] = 1
    img[r - 2, c - 1] = img[r - 2, c + 1] = 1
    img[r - 1, c - 2] = img[r - 1, c + 2] = 1
    img = np.rot90(img, {0: 0, 1: 2, 2: 1, 3: 3}[k])
    return img + 0.55 * np.random.randn(SIZE, SIZE).astype(np.float32)


def make(n):
    y = np.random.randint(0, 4, n)
    x = np.stack([arrow(k) for k in y]).astype(np.float32)
    return torch.tensor(x).unsqueeze(1), torch.tensor(y)


x_train, y_train = make(900)
x_val, y_val = make(500)


class ArrowNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 9, 64)
        self.fc2 = nn.Linear(64, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


model = ArrowNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(20):
    model.train()
    total, right = 0.0, 0
    for idx in torch.randperm(len(x_train)).split(32):
        out = model(x_train[idx])
        loss = F.cross_entropy(out, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
        right += (out.argmax(1) == y_train[idx]).sum().item()
    val_loss, val_acc = evaluate(model, x_val, y_val)
    print(f'epoch {epoch + 1:2d}: loss {total / len(x_train):.4f} acc {right / len(x_train):.3f} '
          f'val_loss {val_loss:.4f} val_acc {val_acc:.3f}')

print(f'final validation accuracy: {val_acc:.3f}')
