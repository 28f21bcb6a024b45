import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(13)
torch.manual_seed(13)

solver = {
    'base_lr': 0.02,
    'momentum': 0.9,
    'weight_decay': 0.0005,
    'lr_policy': 'step',
    'stepsize': 6,
    'gamma': 0.3,
    'max_epoch': 14,
    'batch': 32,
}


def pose(n, size=16):
    yy, xx = np.mgrid[:size, :size]
    joints = np.random.uniform(3, size - 4, (n, 2, 2))
    imgs = np.zeros((n, size, size))
    for k in range(n):
        for j, height in zip(joints[k], (1.0, -1.0)):
            imgs[k] += height * np.exp(-((yy - j[0]) ** 2 + (xx - j[1]) ** 2) / 4.0)
    imgs += 0.05 * np.random.randn(n, size, size)
    coords = joints.reshape(n, 4) / (size / 2) - 1
    return (torch.tensor(imgs, dtype=torch.float32).unsqueeze(1),
            torch.tensor(coords, dtype=torch.float32))


x_train, y_train = pose(1300)
x_test, y_test = pose(300)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=solver['batch'], shuffle=True)


class PoseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.fc6 = nn.Linear(16 * 16, 96)
        self.fc7 = nn.Linear(96, 4)

    def forward(self, x):
        x = self.features(x).flatten(1)
        return self.fc7(torch.relu(self.fc6(x)))


net = PoseNet()
optimizer = torch.optim.SGD(net.parameters(), lr=solver['base_lr'], momentum=solver['momentum'],
                            weight_decay=solver['weight_decay'])
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, solver['stepsize'], solver['gamma'])
euclidean = nn.MSELoss()


def r2():
    net.eval()
    with torch.no_grad():
        p = net(x_test)
    return (1 - ((p - y_test) ** 2).sum() / ((y_test - y_test.mean(0)) ** 2).sum()).item()


for epoch in range(solver['max_epoch']):
    net.train()
    total = 0.0
    for images, coords in loader:
        optimizer.zero_grad()
        loss = euclidean(net(images), coords)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f'epoch {epoch} euclidean loss {total / len(loader):.4f} test R2 {r2():.3f}')

print('outputs', [[round(v, 2) for v in row] for row in net(x_test[:2]).tolist()])
print(f'final test R2: {r2():.3f}')
