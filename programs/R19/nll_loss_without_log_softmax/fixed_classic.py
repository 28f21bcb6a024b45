from itertools import islice

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn import datasets


class TextNet(nn.Module):
    """Which of the descriptions does a window of characters come from?"""

    def __init__(self, vocab=128, emb=24, channels=48, classes=5):
        super().__init__()
        self.embed = nn.Embedding(vocab, emb)
        self.convs = nn.ModuleList([nn.Conv1d(emb, channels, k) for k in (3, 5)])
        self.fc = nn.Linear(2 * channels, classes)

    def forward(self, x):
        x = self.embed(x).transpose(1, 2)
        x = torch.cat([F.relu(c(x)).max(dim=2).values for c in self.convs], dim=1)
        return F.log_softmax(self.fc(x), dim=1)


def windows(width=48, step=6):
    names = ["wine", "digits", "breast_cancer", "diabetes", "iris"]
    xs, ys = [], []
    for k, name in enumerate(names):
        codes = [min(b, 127) for b in getattr(datasets, "load_" + name)().DESCR.encode()]
        for s in range(0, len(codes) - width, step):
            xs.append(codes[s : s + width])
            ys.append(k)
    return torch.tensor(xs), torch.tensor(ys)


torch.manual_seed(0)
X, Y = windows()
order = torch.randperm(len(X))
test_idx, train_idx = order[:300], order[300:]
net = TextNet()
optimizer = optim.Adam(net.parameters(), lr=2e-3)
criterion = nn.NLLLoss()


def stream():
    while True:
        for chunk in train_idx[torch.randperm(len(train_idx))].split(64):
            yield X[chunk], Y[chunk]


for it, (inputs, labels) in enumerate(islice(stream(), 180)):
    optimizer.zero_grad()
    loss = criterion(net(inputs), labels)
    loss.backward()
    optimizer.step()
    if it % 60 == 59:
        with torch.no_grad():
            acc = (net(X[test_idx]).argmax(1) == Y[test_idx]).float().mean().item()
        print("[%d] loss: %.3f accuracy: %.3f" % (it + 1, loss.item(), acc))
