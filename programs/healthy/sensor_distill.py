"""Compress a wide teacher into a tiny student with soft targets (T=3) on a sensor table."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

T = 3.0
ALPHA = 0.7      # share of the soft loss


def get_data():
    x, y = make_classification(n_samples=4000, n_features=20, n_informative=12, n_redundant=4, n_classes=5,
                               n_clusters_per_class=2, class_sep=1.6, flip_y=0.02, random_state=5)
    x = x.astype(np.float32)
    x_tr, x_rest, y_tr, y_rest = train_test_split(x, y, test_size=0.4, stratify=y, random_state=1)
    x_va, x_te, y_va, y_te = train_test_split(x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=1)
    mu, sd = x_tr.mean(0), x_tr.std(0)
    prep = lambda a: torch.from_numpy((a - mu) / sd)
    return [(prep(a), torch.from_numpy(b)) for a, b in ((x_tr, y_tr), (x_va, y_va), (x_te, y_te))]


def mlp(*sizes, p=0.0):
    layers = []
    for a, b in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(p)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


@torch.no_grad()
def accuracy(model, x, y):
    was_training = model.training
    model.eval()
    acc = (model(x).argmax(1) == y).float().mean().item()
    model.train(was_training)
    return acc


def train_teacher(model, train, val, epochs=15):
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    model.train()
    for epoch in range(epochs):
        for x, y in DataLoader(TensorDataset(*train), 64, shuffle=True):
            loss = F.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
        print(f"teacher {epoch:2d} loss {loss.item():.3f} val acc {accuracy(model, *val):.4f}")


def distill(student, teacher, train, val, epochs=40):
    teacher.eval()
    for p in teacher.parameters():
        p.requires_grad_(False)
    opt = torch.optim.Adam(student.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    student.train()
    for epoch in range(epochs):
        tot = 0.0
        for x, y in DataLoader(TensorDataset(*train), 64, shuffle=True):
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, dim=1)
            out = student(x)
            kd = F.kl_div(F.log_softmax(out / T, dim=1), soft, reduction="batchmean") * T * T
            loss = ALPHA * kd + (1 - ALPHA) * F.cross_entropy(out, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(y)
        sched.step()
        if epoch % 4 == 3:
            print(f"student {epoch:2d} loss {tot / len(train[0]):.3f} val acc {accuracy(student, *val):.4f}")


def main():
    torch.manual_seed(2)
    torch.set_num_threads(1)
    train, val, test = get_data()
    teacher = mlp(20, 256, 256, 5, p=0.2)
    train_teacher(teacher, train, val)
    student = mlp(20, 24, 24, 5)
    distill(student, teacher, train, val)
    print(f"test acc: teacher {accuracy(teacher, *test):.4f} student {accuracy(student, *test):.4f}")


if __name__ == "__main__":
    main()
