import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits

torch.manual_seed(42)

X, y = load_digits(return_X_y=True)
perm = torch.randperm(len(X))
X = torch.tensor(X, dtype=torch.float32)[perm]
y = torch.tensor(y)[perm]
X = (X - X[:1300].mean()) / X[:1300].std()
X_train, y_train, X_test, y_test = X[:1300], y[:1300], X[1300:], y[1300:]


class Net(nn.Module):
    def __init__(self, hidden=128):
        super(Net, self).__init__()
        self.l1 = nn.Linear(64, hidden)
        self.l2 = nn.Linear(hidden, hidden)
        self.l3 = nn.Linear(hidden, 10)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        x = torch.relu(self.l1(x))
        x = self.dropout(x)
        x = torch.relu(self.l2(x))
        return self.l3(x)


net = Net()
criterion = nn.NLLLoss()
opt = optim.Adam(net.parameters(), lr=1e-3)

for epoch in range(10):
    net.train()
    indices = torch.randperm(len(X_train))
    for k in range(0, len(indices), 50):
        b = indices[k : k + 50]
        opt.zero_grad()
        loss = criterion(net(X_train[b]), y_train[b])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        pred = net(X_test).argmax(dim=1)
        acc = (pred == y_test).float().mean().item()
    print("epoch", epoch, "loss", round(loss.item(), 4), "test accuracy", round(acc, 4))
