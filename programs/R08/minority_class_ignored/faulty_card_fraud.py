import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

SEED = 2024
EPOCHS = 5


def transactions(n=9000):
    rng = np.random.default_rng(SEED)
    amount = rng.lognormal(3.2, 1.0, n)
    hour = rng.normal(14, 4.5, n) % 24
    abroad = rng.random(n) < 0.08
    new_device = rng.random(n) < 0.15
    velocity = rng.poisson(1.2, n)
    age_days = rng.exponential(500, n)
    night = np.abs((hour - 3 + 12) % 24 - 12) < 3
    z = (
        -9.3 + 0.8 * np.log(amount) + 2.6 * abroad + 2.2 * new_device
        + 0.5 * velocity + 1.8 * night - 0.001 * age_days + 1.0 * (abroad & new_device)
    )
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.int64)
    X = np.stack([np.log(amount), np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12),
                  abroad, new_device, velocity, age_days / 365], axis=1)
    return X.astype(np.float32), y


class FraudNet(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 32), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(32, 16), nn.ReLU(),
            nn.Linear(16, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


def predict(model, X):
    model.eval()
    with torch.no_grad():
        return torch.sigmoid(model(torch.from_numpy(X))).numpy()


def main():
    torch.manual_seed(SEED)
    X, y = transactions()
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.3, stratify=y, random_state=SEED)
    sc = StandardScaler().fit(X_tr)
    X_tr, X_va = sc.transform(X_tr), sc.transform(X_va)

    train_ds = TensorDataset(torch.from_numpy(X_tr), torch.from_numpy(y_tr).float())
    loader = DataLoader(train_ds, batch_size=128, shuffle=True)
    model = FraudNet(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss()

    for epoch in range(EPOCHS):
        model.train()
        loss_sum = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
        pred = (predict(model, X_va) > 0.5).astype(int)
        print(f"epoch {epoch + 1:2d} loss {loss_sum / len(loader):.4f} "
              f"acc {(pred == y_va).mean():.4f} frauds found {pred[y_va == 1].sum()}/{(y_va == 1).sum()}")

    pred = (predict(model, X_va) > 0.5).astype(int)
    print(confusion_matrix(y_va, pred))
    print(f"fraud recall {pred[y_va == 1].mean():.3f}")
    print(f"balanced accuracy {balanced_accuracy_score(y_va, pred):.3f}")


if __name__ == "__main__":
    main()
