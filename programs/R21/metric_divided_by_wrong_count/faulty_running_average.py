import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(0)
torch.manual_seed(0)
batchsize = 32
wine = load_wine()
Y = wine.target.astype(np.int64)
perm = np.random.permutation(len(Y))
train_idx, val_idx = perm[:110], perm[110:]
X = wine.data - wine.data[train_idx].mean(0)
X = (X / wine.data[train_idx].std(0)).astype(np.float32)
train_loader = DataLoader(TensorDataset(torch.from_numpy(X[train_idx]), torch.from_numpy(Y[train_idx])), batchsize, True)
val_loader = DataLoader(TensorDataset(torch.from_numpy(X[val_idx]), torch.from_numpy(Y[val_idx])), batchsize)

model = nn.Sequential(nn.Linear(13, 32), nn.Tanh(), nn.Dropout(0.2), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()


def validate():
    model.eval()
    sum_accuracy, sum_loss, n = 0.0, 0.0, 0
    with torch.no_grad():
        for x, y in val_loader:
            out = model(x)
            accuracy = (out.argmax(dim=1) == y).float().mean()
            sum_accuracy += accuracy.item() * batchsize
            sum_loss += criterion(out, y).item() * batchsize
            n += len(y)
    return sum_loss / n, sum_accuracy / n


for epoch in range(1, 16):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    val_loss, val_acc = validate()
    print("epoch: %d  val loss: %.4f  val accuracy: %.4f" % (epoch, val_loss, val_acc))
