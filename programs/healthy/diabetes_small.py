"""Diabetes progression (442 patients): small MLP ensemble with early stopping. R2 around 0.4-0.5 is what this data set allows."""
import copy

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)


def train_member(seed, x_tr, y_tr, x_va, y_va, patience=25, max_epochs=300):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=1e-2)
    best, best_state, wait = float("inf"), None, 0
    for epoch in range(max_epochs):
        net.train()
        for idx in torch.randperm(len(x_tr)).split(32):
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x_tr[idx]), y_tr[idx])
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(net(x_va), y_va).item()
        if val < best - 1e-4:
            best, best_state, wait = val, copy.deepcopy(net.state_dict()), 0
        else:
            wait += 1
            if wait >= patience:
                break
    net.load_state_dict(best_state)
    net.eval()
    print(f"member {seed}: stopped at epoch {epoch + 1}, best val mse {best:.4f}")
    return net


def main():
    data = load_diabetes()
    x_dev, x_te, y_dev, y_te = train_test_split(data.data, data.target, test_size=0.2, random_state=4)
    x_tr, x_va, y_tr, y_va = train_test_split(x_dev, y_dev, test_size=0.2, random_state=4)
    sx = StandardScaler().fit(x_tr)
    mu, sd = y_tr.mean(), y_tr.std()
    t = lambda a: torch.tensor(sx.transform(a), dtype=torch.float32)
    ty = lambda a: torch.tensor((a - mu) / sd, dtype=torch.float32)[:, None]

    members = [train_member(s, t(x_tr), ty(y_tr), t(x_va), ty(y_va)) for s in range(6)]
    with torch.no_grad():
        preds = np.stack([m(t(x_te)).squeeze(1).numpy() * sd + mu for m in members])
    ridge = RidgeCV(np.logspace(-2, 3, 12)).fit(sx.transform(x_tr), y_tr)
    print("single test R2:", [round(r2_score(y_te, p), 3) for p in preds])
    print(f"ensemble test R2 {r2_score(y_te, preds.mean(0)):.3f}   ridge {r2_score(y_te, ridge.predict(sx.transform(x_te))):.3f}")


if __name__ == "__main__":
    main()
