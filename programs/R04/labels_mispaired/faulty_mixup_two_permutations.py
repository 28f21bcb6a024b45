import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(4)
np.random.seed(4)
EPOCHS, BATCH, ALPHA = 12, 64, 1.0
digits = load_digits()
images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
images = F.interpolate(images, size=16, mode="bilinear")
target = torch.tensor(digits.target)
train_x, train_y, test_x, test_y = images[:1300], target[:1300], images[1300:], target[1300:]


def mixup(x, y):
    y = F.one_hot(y, 10).float()
    lam = np.random.beta(ALPHA, ALPHA)
    index = torch.randperm(x.size(0))
    x_mix = lam * x + (1 - lam) * x[index]
    index = torch.randperm(x.size(0))
    y_mix = lam * y + (1 - lam) * y[index]
    return x_mix, y_mix


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 3, padding=1)
        self.b1 = nn.BatchNorm2d(16)
        self.c2 = nn.Conv2d(16, 32, 3, padding=1)
        self.b2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b1(self.c1(x))), 2)
        x = F.max_pool2d(F.relu(self.b2(self.c2(x))), 2)
        return self.fc(x.flatten(1))


net = Net()
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
for epoch in range(EPOCHS):
    net.train()
    for i in torch.randperm(len(train_x)).split(BATCH):
        xb, yb = mixup(train_x[i], train_y[i])
        logp = F.log_softmax(net(xb), dim=1)
        loss = -(yb * logp).sum(1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(test_x).argmax(1) == test_y).float().mean()
    print("epoch", epoch, "loss", round(loss.item(), 3), "test acc", round(acc.item(), 3))
