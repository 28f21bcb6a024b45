"""Diabetes progression: does a small MLP beat ridge regression? (5-fold cross validation)"""
import numpy as np
import torch
from torch import nn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler


class ProgressionNet(nn.Module):
    def __init__(self, n_in=10, hidden=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, hidden), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


def fit_fold(x_tr, y_tr, x_te, seed, epochs=60):
    torch.manual_seed(seed)
    xs, ys = StandardScaler().fit(x_tr), StandardScaler().fit(y_tr[:, None])
    x = torch.tensor(xs.transform(x_tr), dtype=torch.float32)
    y = torch.tensor(ys.transform(y_tr[:, None])[:, 0], dtype=torch.float32)
    xt = torch.tensor(xs.transform(x_te), dtype=torch.float32)

    model = ProgressionNet()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        if (epoch + 1) % 20 == 0:
            print(f"  epoch {epoch + 1:3d} train mse {total / len(x):.4f}")
    model.eval()
    with torch.no_grad():
        pred = model(xt).numpy()
    return ys.inverse_transform(pred[:, None])[:, 0]


def main():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    mlp_scores, ridge_scores = [], []
    for k, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
        print(f"fold {k}")
        pred = fit_fold(X[tr], y[tr], X[te], seed=k)
        sc = StandardScaler().fit(X[tr])
        ridge = Ridge(alpha=10.0).fit(sc.transform(X[tr]), y[tr])
        mlp_scores.append(r2_score(y[te], pred))
        ridge_scores.append(r2_score(y[te], ridge.predict(sc.transform(X[te]))))
        print(f"  R2 mlp {mlp_scores[-1]:.3f} ridge {ridge_scores[-1]:.3f}")
    print(f"ridge mean R2: {np.mean(ridge_scores):.4f}")
    print(f"MLP   mean R2: {np.mean(mlp_scores):.4f}")


if __name__ == "__main__":
    main()
