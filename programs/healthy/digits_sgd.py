import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(42)

BATCH = 64
EPOCHS = 12
MAX_LR = 0.8

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
labels = torch.tensor(digits.target)

x_tr, x_va, y_tr, y_va = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=1)
mean, std = x_tr.mean(), x_tr.std()
x_tr = (x_tr - mean) / std
x_va = (x_va - mean) / std

train_loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=BATCH, shuffle=True, drop_last=True)
val_loader = DataLoader(TensorDataset(x_va, y_va), batch_size=256)


class ConvBN(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvBN(1, 24)
        self.b1 = ConvBN(24, 24)
        self.b2 = ConvBN(24, 48)
        self.fc = nn.Linear(48, 10)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.b1(x)
        x = F.max_pool2d(x, 2)
        x = self.b2(x)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc(x) * 0.25


net = SmallNet()
optimizer = torch.optim.SGD(net.parameters(), lr=MAX_LR, momentum=0.9, weight_decay=5e-4, nesterov=True)
sched = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=MAX_LR, epochs=EPOCHS, steps_per_epoch=len(train_loader), pct_start=0.3
)

for epoch in range(EPOCHS):
    net.train()
    loss_sum = 0.0
    for xb, yb in train_loader:
        loss = F.cross_entropy(net(xb), yb, label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        sched.step()
        loss_sum += loss.item()

    net.eval()
    with torch.no_grad():
        correct = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in val_loader)
    print(
        f"[{epoch + 1:02d}/{EPOCHS}] loss {loss_sum / len(train_loader):.3f} "
        f"lr {sched.get_last_lr()[0]:.3f} val acc {correct / len(y_va):.4f}"
    )

print("done, validation accuracy", round(correct / len(y_va), 4))
