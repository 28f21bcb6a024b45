import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Function
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(43)
np.random.seed(43)


class ISRLU(Function):
    @staticmethod
    def forward(ctx, tensor, alpha=1.0):
        negatives = torch.min(tensor, 0 * tensor)
        ctx.nisr = torch.rsqrt(1. + alpha * (negatives ** 2))
        return tensor * ctx.nisr

    @staticmethod
    def backward(ctx, grad_out):
        return ctx.nisr ** 3, None


isrlu = ISRLU.apply


class Net(nn.Module):
    def __init__(self, n_in, n_out, width=48):
        super().__init__()
        self.l1 = nn.Linear(n_in, width)
        self.l2 = nn.Linear(width, width)
        self.l3 = nn.Linear(width, width)
        self.l4 = nn.Linear(width, n_out)

    def forward(self, x):
        x = isrlu(self.l1(x), 1.0)
        x = isrlu(self.l2(x), 1.0)
        x = isrlu(self.l3(x), 1.0)
        return self.l4(x)


data, target = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(data, target, test_size=0.25, random_state=43, stratify=target)
scaler = StandardScaler().fit(x_train)
x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32)
x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

net = Net(64, 10)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)


def accuracy(x, y):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


for epoch in range(25):
    net.train()
    order = torch.randperm(len(x_train))
    losses = []
    for chunk in order.split(32):
        optimizer.zero_grad()
        loss = loss_fn(net(x_train[chunk]), y_train[chunk])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 4 == 0:
        print(f'{epoch:3d} loss {np.mean(losses):.3f} train {accuracy(x_train, y_train):.3f} test {accuracy(x_test, y_test):.3f}')

print(f'final test accuracy: {accuracy(x_test, y_test):.3f}')
