"""A small ensemble that is trained together; acoustic leaf-stress clips turned into 4 classes (simulated)."""
from itertools import chain

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def clips(n, seed):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(96) / 96
    label = torch.randint(0, 4, (n,), generator=g)
    clicks = torch.zeros(n, 96)
    for i in range(n):
        k = int(label[i])
        count = [3, 6, 6, 10][k]
        at = torch.randperm(88, generator=g)[:count]
        width = [3.0, 3.0, 1.2, 1.2][k]
        for a in at.tolist():
            span = torch.arange(8.0)
            clicks[i, a : a + 8] += torch.exp(-span / width) * torch.cos(span * (1.2 + 0.3 * k))
    hum = 0.3 * torch.sin(2 * torch.pi * (6 * t + torch.rand(n, 1, generator=g)))
    return clicks + hum + 0.25 * torch.randn(n, 96, generator=g), label


class Member(nn.Module):
    def __init__(self, width, drop):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, width, 7, stride=2, padding=3), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2), nn.BatchNorm1d(width), nn.ReLU(),
        )
        self.fc = nn.Sequential(nn.Dropout(drop), nn.Linear(width * 24, 40), nn.ReLU(), nn.Dropout(drop), nn.Linear(40, 4))

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class Ensemble(nn.Module):
    def __init__(self, size, width=12, drop=0.5):
        super().__init__()
        self.members = [Member(width, drop) for _ in range(size)]

    def forward(self, x):
        return torch.stack([m(x) for m in self.members])


def fit(net, loader, epochs):
    params = chain.from_iterable(m.parameters() for m in net.members)
    opt = optim.Adam(params, lr=2e-3)
    crit = nn.CrossEntropyLoss()
    for ep in range(epochs):
        net.train()
        seen, loss_sum = 0, 0.0
        for x, y in loader:
            opt.zero_grad()
            outs = net(x)
            loss = sum(crit(o, y) for o in outs) / len(outs)
            loss.backward()
            opt.step()
            seen += len(y)
            loss_sum += loss.item() * len(y)
        print(f"epoch {ep + 1:2d}  mean member loss {loss_sum / seen:.3f}")


def accuracy(net, loader):
    net.eval()
    right, total = 0, 0
    with torch.no_grad():
        for x, y in loader:
            vote = net(x).softmax(-1).mean(0).argmax(1)
            right += (vote == y).sum().item()
            total += len(y)
    return right / total


if __name__ == "__main__":
    torch.manual_seed(6)
    x, y = clips(1600, 1)
    mean, std = x.mean(), x.std()
    x_test, y_test = clips(600, 2)
    train_loader = DataLoader(TensorDataset(((x - mean) / std)[:, None], y), batch_size=64, shuffle=True)
    test_loader = DataLoader(TensorDataset(((x_test - mean) / std)[:, None], y_test), batch_size=6)
    ensemble = Ensemble(2)
    fit(ensemble, train_loader, 20)
    print(f"ensemble test accuracy: {accuracy(ensemble, test_loader):.3f}")
