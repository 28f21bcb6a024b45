import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

EMBED = 16
d = load_digits()
X = torch.tensor(d.images / 16.0).float().unsqueeze(1)
Y = torch.tensor(d.target).long()
torch.manual_seed(12)


class FeatureNet(nn.Module):
    def __init__(self):
        super(FeatureNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.squeeze = nn.Linear(32 * 4, EMBED)
        self.classify = nn.Linear(EMBED, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.classify(F.relu(self.squeeze(x.view(x.size(0), -1)) + 1))


train_iter = DataLoader(TensorDataset(X[:1437], Y[:1437]), batch_size=32, shuffle=True)
test_iter = DataLoader(TensorDataset(X[1437:], Y[1437:]), batch_size=360)
net = FeatureNet()
trainer = torch.optim.Adam(net.parameters(), lr=0.002)
for epoch in range(12):
    metric = [0.0, 0, 0]
    net.train()
    for X_b, y_b in train_iter:
        y_hat = net(X_b)
        l = F.cross_entropy(y_hat, y_b)  # noqa: E741
        trainer.zero_grad()
        l.backward()
        trainer.step()
        metric[0] += float(l) * len(y_b)
        metric[1] += int((y_hat.argmax(1) == y_b).sum())
        metric[2] += len(y_b)
    net.eval()
    with torch.no_grad():
        (xt, yt), = list(test_iter)
        test_acc = (net(xt).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch + 1}: loss {metric[0] / metric[2]:.3f}, train acc {metric[1] / metric[2]:.3f}, test acc {test_acc:.3f}")
