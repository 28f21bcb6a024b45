import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(6)
torch.manual_seed(6)

N, S = 260, 32


def tissue(n):
    images = rng.normal(0, 1, (n, S, S))
    images = 0.6 * images + 0.4 * np.roll(images, 1, axis=2) + 0.4 * np.roll(images, 1, axis=1)
    truth = np.zeros((n, S, S))
    for i in range(n):
        for _ in range(rng.integers(1, 3)):
            r, c = rng.integers(4, S - 4, 2)
            dr, dc = [(0, 1), (1, 0), (1, 1), (1, -1)][rng.integers(4)]
            for k in range(-1, 2):
                truth[i, r + k * dr, c + k * dc] = 1
                images[i, r + k * dr, c + k * dc] += 1.7
    x = torch.tensor(images, dtype=torch.float32).unsqueeze(1)
    return x, torch.tensor(truth, dtype=torch.float32).unsqueeze(1)


train_x, train_y = tissue(N)
test_x, test_y = tissue(80)
print('share of marked pixels', round(train_y.mean().item(), 5))

net = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 1, 3, padding=1))

criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)


def rates(x, y):
    net.eval()
    with torch.no_grad():
        marked = torch.sigmoid(net(x)) > 0.5
    tpr = marked[y == 1].float().mean().item()
    tnr = (~marked[y == 0]).float().mean().item()
    return tpr, tnr, (marked == (y == 1)).float().mean().item()


for epoch in range(10):
    net.train()
    perm = torch.randperm(N)
    losses = []
    for i in range(0, N, 20):
        image, truth = train_x[perm[i:i + 20]], train_y[perm[i:i + 20]]
        optimizer.zero_grad()
        loss = criterion(net(image), truth)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    tpr, tnr, acc = rates(test_x, test_y)
    print('epoch %d loss %.4f pixel accuracy %.4f found %.3f' % (epoch, np.mean(losses), acc, tpr))

tpr, tnr, acc = rates(test_x, test_y)
print('found %.3f kept clean %.3f' % (tpr, tnr))
print('final balanced pixel accuracy: %.3f' % (0.5 * (tpr + tnr)))
