import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(1, 10, kernel_size=3)
        self.dropout = nn.Dropout(0.1)
        self.fc1 = nn.Linear(90, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv(x), 2))
        x = x.view(-1, 90)
        x = self.dropout(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


digits = load_digits()
perm = torch.randperm(1797)
data = torch.tensor(digits.images, dtype=torch.float32)[perm].unsqueeze(1)
target = torch.tensor(digits.target)[perm]
data = (data - data[:1440].mean()) / data[:1440].std()

net = Net()
optimizer = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)

for epoch in range(8):
    net.train()
    running_loss = 0.0
    for i in torch.randperm(1440).split(40):
        optimizer.zero_grad()
        loss = F.nll_loss(net(data[i]), target[i])
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    net.eval()
    with torch.no_grad():
        accuracy = (net(data[1440:]).argmax(1) == target[1440:]).float().mean().item()
    print("[%d] loss: %.3f accuracy: %.3f" % (epoch + 1, running_loss / 36, accuracy))
