import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_net(classes):
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten()),
        nn.Sequential(nn.Linear(512, 48), nn.ReLU()),
        nn.Linear(48, classes),
    )


def fit(net, loader, epochs, lr):
    optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, net.parameters()), lr=lr)
    for epoch in range(epochs):
        net.train()
        total = 0
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"  epoch {epoch}: {total / len(loader):.4f}")


def score(net, x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


torch.manual_seed(0)
d = load_digits()
x, y = torch.tensor(d.images).float()[:, None] / 16, torch.tensor(d.target)
low, high = (y < 5).nonzero().flatten(), (y >= 5).nonzero().flatten()

print("pretraining on 0-4")
net = make_net(5)
fit(net, DataLoader(TensorDataset(x[low], y[low]), batch_size=64, shuffle=True), 4, 1e-3)

print("finetuning on 5-9")
net[1] = nn.Sequential(nn.Linear(512, 48), nn.ReLU())
net[2] = nn.Linear(48, 5)
for param in net[0].parameters():
    param.requires_grad = False
train, test = high[:200], high[200:]
fit(net, DataLoader(TensorDataset(x[train], y[train] - 5), batch_size=20, shuffle=True), 4, 1e-3)
print(f"accuracy on 5-9: {score(net, x[test], y[test] - 5):.3f}")
