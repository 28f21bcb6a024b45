# Card fraud detector, tabular MLP. Features as they come from the feature store.
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

config = {
    "n_rows": 12000,
    "hidden": (64, 32),
    "dropout": 0.1,
    "lr": 1e-3,
    "batch_size": 256,
    "epochs": 12,
    "seed": 42,
}


def feature_store(n, seed):
    rng = np.random.default_rng(seed)
    fraud = (rng.random(n) < 0.02).astype(np.float32)
    amount = np.exp(rng.normal(3.2 + 0.9 * fraud, 1.0))
    hour = (rng.normal(14, 4.5, n) - 7.0 * fraud * (rng.random(n) < 0.6)) % 24
    km_from_home = np.exp(rng.normal(1.8 + 1.1 * fraud, 1.2))
    tx_last_hour = rng.poisson(0.5 + 1.4 * fraud)
    account_age = rng.gamma(2.0, 700, n) * (1 - 0.45 * fraud)
    foreign = rng.random(n) < (0.06 + 0.25 * fraud)
    chip = rng.random(n) < (0.8 - 0.35 * fraud)
    cols = [np.log1p(amount), np.sin(hour / 24 * 2 * np.pi), np.cos(hour / 24 * 2 * np.pi),
            np.log1p(km_from_home), tx_last_hour, np.sqrt(account_age), foreign, chip]
    extra = rng.normal(size=(n, 4)) + 0.5 * np.log1p(amount)[:, None]
    return np.column_stack(cols + [extra]).astype(np.float32), fraud


class FraudNet(nn.Module):
    def __init__(self, n_in, hidden, dropout):
        super().__init__()
        layers, last = [], n_in
        for h in hidden:
            layers += [nn.Linear(last, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Dropout(dropout)]
            last = h
        layers.append(nn.Linear(last, 1))
        self.net = nn.Sequential(*layers)

    def forward(self, x):
        return self.net(x).squeeze(1)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg["seed"])
        X, y = feature_store(cfg["n_rows"], cfg["seed"])
        X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.25, stratify=y, random_state=cfg["seed"])
        scaler = StandardScaler().fit(X_tr)
        self.train_loader = DataLoader(
            TensorDataset(torch.tensor(scaler.transform(X_tr)), torch.tensor(y_tr)),
            batch_size=cfg["batch_size"], shuffle=True)
        self.X_va, self.y_va = torch.tensor(scaler.transform(X_va)), y_va
        self.model = FraudNet(X.shape[1], cfg["hidden"], cfg["dropout"])
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=cfg["lr"])
        self.criterion = nn.BCEWithLogitsLoss()

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for xb, yb in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(xb), yb)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(xb)
        return total / len(self.train_loader.dataset)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        pred = (torch.sigmoid(self.model(self.X_va)) > 0.5).numpy().astype(int)
        return {
            "acc": float((pred == self.y_va).mean()),
            "recall": recall_score(self.y_va, pred, zero_division=0),
            "balanced": balanced_accuracy_score(self.y_va, pred),
        }

    def fit(self):
        for epoch in range(self.cfg["epochs"]):
            loss = self.train_epoch()
            m = self.validate()
            print(f"epoch {epoch + 1:2d} loss {loss:.4f} acc {m['acc']:.4f} "
                  f"fraud recall {m['recall']:.3f} balanced acc {m['balanced']:.4f}")


if __name__ == "__main__":
    Trainer(config).fit()
