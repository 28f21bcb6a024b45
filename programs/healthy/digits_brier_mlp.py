"""Handwritten digits with a plain MLP, trained on the Brier score."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 3
np.random.seed(SEED)
torch.manual_seed(SEED)

digits = load_digits()
images = digits.images / 16.0
X_tr, X_te, y_tr, y_te = train_test_split(
    images.reshape(len(images), -1), digits.target, test_size=0.25, stratify=digits.target, random_state=SEED
)
X_tr = torch.tensor(X_tr, dtype=torch.float32)
X_te = torch.tensor(X_te, dtype=torch.float32)
y_tr = torch.tensor(y_tr)
y_te = torch.tensor(y_te)
onehot = F.one_hot(y_tr, 10).float()

net = torch.nn.Sequential(
    torch.nn.Linear(64, 96),
    torch.nn.Tanh(),
    torch.nn.Dropout(0.1),
    torch.nn.Linear(96, 48),
    torch.nn.Tanh(),
    torch.nn.Linear(48, 10),
    torch.nn.Softmax(dim=1),
)


def brier(p, target):
    return ((p - target) ** 2).sum(dim=1).mean()


optim = torch.optim.Adam(net.parameters(), lr=2e-3)
batch = 50
history = []
for epoch in range(1, 41):
    net.train()
    order = torch.randperm(len(X_tr))
    running = 0.0
    for chunk in order.split(batch):
        p = net(X_tr[chunk])
        loss = brier(p, onehot[chunk])
        optim.zero_grad()
        loss.backward()
        optim.step()
        running += loss.item() * len(chunk)
    net.eval()
    with torch.no_grad():
        p = net(X_te)
        test_brier = brier(p, F.one_hot(y_te, 10).float()).item()
        acc = (p.argmax(1) == y_te).float().mean().item()
    history.append((running / len(X_tr), test_brier, acc))
    if epoch % 5 == 0:
        print("epoch %2d  train %.4f  test %.4f  acc %.4f" % (epoch, *history[-1]))

confusion = np.zeros((10, 10), dtype=int)
for t, q in zip(y_te.tolist(), p.argmax(1).tolist()):
    confusion[t, q] += 1
print(confusion)
print("final test accuracy: %.4f" % history[-1][2])
