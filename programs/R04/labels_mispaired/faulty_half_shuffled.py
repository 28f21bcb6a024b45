import random

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn


def load_data(seed=0):
    rng = np.random.RandomState(seed)
    bunch = load_breast_cancer()
    x, y = bunch.data.astype("float32"), bunch.target.astype("float32")
    perm = rng.permutation(len(x))
    x, y = x[perm], y[perm]
    n_val = len(x) // 4
    x_val, y_val, x, y = x[:n_val], y[:n_val], x[n_val:], y[n_val:]
    mean, std = x.mean(0), x.std(0)
    return (x - mean) / std, y, (x_val - mean) / std, y_val


def batches(x, y, size, rng):
    order = list(range(len(x)))
    rng.shuffle(order)
    x = x[order]
    for start in range(0, len(x), size):
        yield torch.from_numpy(x[start : start + size]), torch.from_numpy(y[start : start + size])


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return ((model(torch.from_numpy(x)).squeeze(1) > 0).numpy() == y).mean()


def run():
    torch.manual_seed(0)
    rng = random.Random(0)
    x, y, x_val, y_val = load_data()
    model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(20):
        model.train()
        losses = []
        for xb, yb in batches(x, y, 32, rng):
            optimizer.zero_grad()
            loss = loss_fn(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
        print("Epoch %2d  loss %.4f  val_acc %.3f" % (epoch, np.mean(losses), evaluate(model, x_val, y_val)))


run()
