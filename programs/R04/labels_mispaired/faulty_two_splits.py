import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score, classification_report
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

np.random.seed(123)
torch.manual_seed(123)

data = load_breast_cancer()
X = data.data.astype("float32")
y = data.target

X_train, X_test = train_test_split(X, test_size=0.25)
y_train, y_test = train_test_split(y, test_size=0.25)

sc = StandardScaler()
X_train = torch.from_numpy(sc.fit_transform(X_train))
X_test = torch.from_numpy(sc.transform(X_test))
y_train = torch.from_numpy(y_train).float().view(-1, 1)
y_test = torch.from_numpy(y_test).float().view(-1, 1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(30, 16)
        self.fc2 = nn.Linear(16, 8)
        self.fc3 = nn.Linear(8, 1)
        self.act = nn.LeakyReLU()

    def forward(self, x):
        x = self.act(self.fc1(x))
        x = self.act(self.fc2(x))
        return torch.sigmoid(self.fc3(x))


net = Network()
loss_fn = nn.BCELoss()
opt = torch.optim.Adam(net.parameters(), lr=0.003, weight_decay=1e-4)

for epoch in range(40):
    net.train()
    perm = torch.randperm(X_train.size(0))
    epoch_loss = 0.0
    for i in range(0, X_train.size(0), 32):
        idx = perm[i:i + 32]
        out = net(X_train[idx])
        loss = loss_fn(out, y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        epoch_loss += loss.item() * len(idx)
    if (epoch + 1) % 10 == 0:
        print("Epoch", epoch + 1, "loss", epoch_loss / X_train.size(0))

net.eval()
with torch.no_grad():
    pred = (net(X_test) > 0.5).long().numpy().ravel()
print(classification_report(y_test.numpy().ravel(), pred, target_names=data.target_names, zero_division=0))
print("balanced accuracy:", round(balanced_accuracy_score(y_test.numpy().ravel(), pred), 4))
