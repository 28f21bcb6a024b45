"""Customer churn. Few customers leave, so the leavers are oversampled before training."""
import numpy as np
import torch
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import resample
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FEATURES = ["months", "calls", "support", "bill", "late", "data_gb", "roaming", "age", "devices", "discount"]


def customers(n=3000, seed=70):
    rng = np.random.default_rng(seed)
    months = rng.exponential(24, n)
    calls = rng.poisson(40, n)
    support = rng.poisson(1.2, n)
    bill = rng.gamma(4, 10, n)
    late = rng.poisson(0.5, n)
    rest = rng.normal(size=(n, 5))
    score = -13.0 - 0.1 * months + 2.6 * support + 0.1 * bill + 2.4 * late + 1.2 * rest[:, 0]
    leaves = rng.random(n) < 1 / (1 + np.exp(-score))
    return np.column_stack([months, calls, support, bill, late, rest]), leaves.astype(int)


def balance(X, y, seed=0):
    few = y == 1
    X_more, y_more = resample(X[few], y[few], n_samples=int((~few).sum()), random_state=seed)
    return np.vstack([X[~few], X_more]), np.concatenate([y[~few], y_more])


def split(X, y, seed=0):
    a, b = next(StratifiedShuffleSplit(1, test_size=0.25, random_state=seed).split(X, y))
    return X[a], X[b], y[a], y[b]


class Churn(nn.Module):
    def __init__(self):
        super().__init__()
        self.stack = nn.Sequential(
            nn.Linear(len(FEATURES), 24), nn.ReLU(),
            nn.Linear(24, 24), nn.ReLU(),
            nn.Linear(24, 1),
        )

    def forward(self, x):
        return self.stack(x).squeeze(-1)


def train(model, X, y, epochs=15):
    loader = DataLoader(TensorDataset(X, y), batch_size=64, shuffle=True)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(epochs):
        for xb, yb in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}, loss {loss.item():.4f}")


def main():
    torch.manual_seed(7)
    X, y = customers()
    print(f"{len(y)} customers, {y.mean():.1%} leave")
    X, y = balance(X, y)
    X_train, X_test, y_train, y_test = split(X, y)
    mean, std = X_train.mean(0), X_train.std(0)
    X_train = torch.tensor((X_train - mean) / std, dtype=torch.float32)
    X_test = torch.tensor((X_test - mean) / std, dtype=torch.float32)
    model = Churn()
    train(model, X_train, torch.tensor(y_train, dtype=torch.float32))
    with torch.no_grad():
        pred = (model(X_test) > 0).int().numpy()
    print(f"test accuracy {(pred == y_test).mean():.4f} recall {recall_score(y_test, pred):.4f} f1 {f1_score(y_test, pred):.4f}")


if __name__ == "__main__":
    main()
