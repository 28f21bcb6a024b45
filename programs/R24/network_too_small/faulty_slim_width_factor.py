import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

torch.manual_seed(5)


def draw_clocks(n):
    """16x16 faces with one hand; the class is the hour (12)."""
    grid = torch.arange(16.0) - 7.5
    yy, xx = torch.meshgrid(grid, grid, indexing="ij")
    hour = torch.randint(0, 12, (n,))
    angle = hour * torch.pi / 6 + 0.12 * torch.randn(n)
    cx, cy = 0.9 * torch.randn(n), 0.9 * torch.randn(n)
    dx, dy = torch.sin(angle), -torch.cos(angle)
    px = xx[None] - cx[:, None, None]
    py = yy[None] - cy[:, None, None]
    along = px * dx[:, None, None] + py * dy[:, None, None]
    across = px * dy[:, None, None] - py * dx[:, None, None]
    reach = (4 + 2 * torch.rand(n))[:, None, None]
    hand = torch.exp(-(across**2)) * (along > 0) * (along < reach)
    rim = 0.7 * torch.exp(-((px**2 + py**2).sqrt() - 6.5) ** 2)
    return (hand + rim + 0.2 * torch.randn(n, 16, 16)).unsqueeze(1), hour


def make_divisible(v, divisor=2):
    return max(divisor, int(v + divisor / 2) // divisor * divisor)


class SlimNet(nn.Module):
    def __init__(self, num_classes=12, width_mult=1.0):
        super().__init__()
        plan = [(32, 1), (32, 2), (64, 2)]
        layers, cin = [], 1
        for c, stride in plan:
            cout = make_divisible(c * width_mult)
            layers += [nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU6(inplace=True)]
            cin = cout
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.classifier = nn.Linear(cin * 16, num_classes)

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


def accuracy(model, loader):
    model.eval()
    with torch.inference_mode():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


x, y = draw_clocks(3000)
xv, yv = draw_clocks(800)
mean, std = x.mean(), x.std()
train_loader = DataLoader(TensorDataset((x - mean) / std, y), batch_size=64, shuffle=True)
val_loader = DataLoader(TensorDataset((xv - mean) / std, yv), batch_size=400)
model = SlimNet(width_mult=0.03)
print("parameters:", sum(p.numel() for p in model.parameters()))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RAdam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
for epoch in range(12):
    model.train()
    bar = tqdm(train_loader, disable=True)
    total = 0.0
    for images, labels in bar:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
        bar.set_postfix(loss=loss.item())
    scheduler.step()
    print(f"epoch {epoch + 1}/12 train loss {total / len(train_loader):.4f} train acc {accuracy(model, train_loader):.4f} val acc {accuracy(model, val_loader):.4f}")
