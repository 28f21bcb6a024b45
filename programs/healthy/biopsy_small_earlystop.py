# Breast cancer biopsies, but only the 80 labelled rows of our hospital for training.
import copy

import numpy as np
import torch
from torch import nn
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SEED = 4


class EarlyStopping:
    def __init__(self, patience=25):
        self.patience = patience
        self.best = float("inf")
        self.bad = 0
        self.state = None

    def step(self, value, model):
        if value < self.best:
            self.best, self.bad = value, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def get_data():
    X, y = load_breast_cancer(return_X_y=True)
    X_tr, X_rest, y_tr, y_rest = train_test_split(X, y, train_size=80, stratify=y, random_state=SEED)
    X_va, X_te, y_va, y_te = train_test_split(X_rest, y_rest, train_size=120, stratify=y_rest, random_state=SEED)
    sc = StandardScaler().fit(X_tr)
    as_t = lambda a, b: (torch.tensor(sc.transform(a), dtype=torch.float32), torch.tensor(b, dtype=torch.float32))
    return as_t(X_tr, y_tr), as_t(X_va, y_va), as_t(X_te, y_te)


def main():
    torch.manual_seed(SEED)
    (x_tr, y_tr), (x_va, y_va), (x_te, y_te) = get_data()
    model = nn.Sequential(
        nn.Linear(30, 16), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(16, 1),
    )
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    loss_fn = nn.BCEWithLogitsLoss()
    stopper = EarlyStopping(patience=25)

    for epoch in range(300):
        model.train()
        order = torch.randperm(len(x_tr))
        total = 0.0
        for j in order.split(16):
            opt.zero_grad()
            loss = loss_fn(model(x_tr[j]).squeeze(1), y_tr[j])
            loss.backward()
            opt.step()
            total += loss.item() * len(j)

        model.eval()
        with torch.no_grad():
            val_loss = loss_fn(model(x_va).squeeze(1), y_va).item()
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d} train {total / len(x_tr):.4f} val {val_loss:.4f}")
        if stopper.step(val_loss, model):
            print(f"stopped at epoch {epoch}, best val loss {stopper.best:.4f}")
            break

    model.load_state_dict(stopper.state)
    model.eval()
    with torch.no_grad():
        prob = torch.sigmoid(model(x_te).squeeze(1)).numpy()
    acc = np.mean((prob > 0.5) == (y_te.numpy() > 0.5))
    print(f"test accuracy {acc:.4f}  AUC {roc_auc_score(y_te.numpy(), prob):.4f}")


if __name__ == "__main__":
    main()
