import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
d = load_digits()
by_class = torch.argsort(torch.tensor(d.target[1300:]), stable=True) + 1300
x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(d.target)
train_dl = DataLoader(TensorDataset(x[:1300], y[:1300]), batch_size=50, shuffle=True)
valid_dl = DataLoader(TensorDataset(x[by_class], y[by_class]), batch_size=16)


def conv_bn(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


def get_model():
    return nn.Sequential(conv_bn(1, 16), nn.MaxPool2d(2), conv_bn(16, 32), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.4), nn.Linear(128, 10))


def loss_batch(model, loss_func, xb, yb, opt=None):
    out = model(xb)
    loss = loss_func(out, yb)
    if opt is not None:
        loss.backward()
        opt.step()
        opt.zero_grad()
    return loss.item(), (out.argmax(1) == yb).sum().item(), len(xb)


def fit(epochs, model, loss_func, opt, train_dl, valid_dl):
    for epoch in range(epochs):
        model.train()
        for xb, yb in train_dl:
            loss_batch(model, loss_func, xb, yb, opt)
        model.eval()
        with torch.no_grad():
            losses, hits, nums = zip(*[loss_batch(model, loss_func, xb, yb) for xb, yb in valid_dl])
        print(epoch, "val loss %.3f" % (sum(a * b for a, b in zip(losses, nums)) / sum(nums)), "val acc %.3f" % (sum(hits) / sum(nums)))


model = get_model()
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
fit(5, model, nn.functional.cross_entropy, opt, train_dl, valid_dl)
