import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(100)
np.random.seed(100)

batch_size = 64
num_epochs = 12
learning_rate = 0.01
SIZE = 16


def draw(kind):
    img = np.zeros((SIZE, SIZE), dtype=np.float32)
    cy, cx = np.random.randint(6, 10, 2)
    yy, xx = np.mgrid[:SIZE, :SIZE]
    r = np.random.randint(3, 6)
    dy, dx = np.abs(yy - cy), np.abs(xx - cx)
    if kind == 0:
        img[(dy <= r) & (dx <= r)] = 1
    elif kind == 1:
        img[dy ** 2 + dx ** 2 <= r * r] = 1
    elif kind == 2:
        img[dy + dx <= r] = 1
    elif kind == 3:
        img[(dy <= 1) | (dx <= 1)] = 1
        img[(dy > r) | (dx > r)] = 0
    elif kind == 4:
        img[np.abs(dy - dx) <= 1] = 1
        img[(dy > r) | (dx > r)] = 0
    elif kind == 5:
        img[(np.maximum(dy, dx) == r) | (np.maximum(dy, dx) == r - 1)] = 1
    elif kind == 6:
        img[(dy <= r) & (yy % 3 == 0)] = 1
    elif kind == 7:
        img[(dx <= r) & (xx % 3 == 0)] = 1
    return img * np.random.uniform(0.7, 1.0) + 0.08 * np.random.randn(SIZE, SIZE)


def build(n):
    y = np.random.randint(0, 8, n)
    x = np.stack([draw(k) for k in y]).astype(np.float32)
    return TensorDataset(torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y))


train_loader = DataLoader(dataset=build(2400), batch_size=batch_size, shuffle=True)
test_loader = DataLoader(dataset=build(600), batch_size=batch_size, shuffle=False)


class CNN(nn.Module):
    def __init__(self):
        super(CNN, self).__init__()
        self.conv1 = nn.Conv2d(1, 12, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(24 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 8)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return F.softmax(x, dim=1)


model = CNN()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)

for epoch in range(num_epochs):
    model.train()
    for i, (data, target) in enumerate(train_loader):
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
    print('epoch {} loss = {}'.format(epoch, loss.item()))

model.eval()
correct, total = 0, 0
with torch.no_grad():
    for data, target in test_loader:
        predicted = model(data).max(1)[1]
        total += target.size(0)
        correct += (predicted == target).sum().item()
print('final test accuracy: {:.3f}'.format(correct / total))
