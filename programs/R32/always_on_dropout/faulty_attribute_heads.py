"""Several yes/no attributes of a picture at once."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ATTRIBUTES = {"has loop": {0, 6, 8, 9}, "even": {0, 2, 4, 6, 8}, "round": {0, 3, 6, 8, 9}, "small": {0, 1, 2, 3, 4}}


class AttributeNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 96), nn.PReLU(), nn.Linear(96, 96), nn.PReLU())
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(96, 16), nn.ReLU(), nn.Linear(16, 1)) for _ in range(n))

    def forward(self, x):
        shared = self.body(x)
        shared = nn.Dropout(p=0.75)(shared)
        return torch.cat([head(shared) for head in self.heads], dim=1)


def tables():
    x, digit = load_digits(return_X_y=True)
    x = torch.tensor(x, dtype=torch.float32) / 16
    y = torch.tensor([[float(d in members) for members in ATTRIBUTES.values()] for d in digit])
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return TensorDataset(x[order[:1300]], y[order[:1300]]), TensorDataset(x[order[1300:]], y[order[1300:]])


def train_one_epoch(net, loader, criterion, optimizer):
    net.train()
    mean = 0.0
    for images, targets in loader:
        optimizer.zero_grad()
        loss = criterion(net(images), targets)
        loss.backward()
        optimizer.step()
        mean += loss.item() / len(loader)
    return mean


def test(net, loader):
    net.eval()
    right, whole = torch.zeros(len(ATTRIBUTES)), 0
    with torch.no_grad():
        for images, targets in loader:
            agree = (net(images) > 0) == targets.bool()
            right += agree.sum(0)
            whole += agree.all(1).sum().item()
    return right / len(loader.dataset), whole / len(loader.dataset)


torch.manual_seed(2)
train_set, test_set = tables()
net = AttributeNet(len(ATTRIBUTES))
optimizer = torch.optim.Adam(net.parameters(), lr=1.5e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
for epoch in range(14):
    loss = train_one_epoch(net, DataLoader(train_set, 32, shuffle=True), nn.BCEWithLogitsLoss(), optimizer)
    scheduler.step()
    if epoch % 3 == 1:
        scores, _ = test(net, DataLoader(test_set, 128))
        print(f"epoch {epoch}, loss {loss:.3f},", ", ".join(f"{n} {s:.3f}" for n, s in zip(ATTRIBUTES, scores, strict=True)))
print(f"all attributes right: {test(net, DataLoader(test_set, 128))[1]:.4f}")
