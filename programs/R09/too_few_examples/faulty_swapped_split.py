"""Concrete strength from the mix: scikit-learn for the split and the scaling, a small network for the rest."""
import numpy as np
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixes(n=1200, seed=12):
    rng = np.random.default_rng(seed)
    cement = rng.uniform(140, 540, n)
    slag = np.maximum(0, rng.normal(70, 80, n))
    ash = np.maximum(0, rng.normal(50, 60, n))
    water = rng.uniform(140, 230, n)
    plasticizer = rng.uniform(0, 14, n)
    coarse = rng.uniform(800, 1150, n)
    fine = rng.uniform(600, 950, n)
    age = rng.choice([3, 7, 14, 28, 56, 90], n)
    binder = cement + 0.7 * slag + 0.4 * ash
    effective = water - 2.2 * plasticizer
    full = 14 + 27 * np.log1p(binder / effective) ** 1.6 - 0.004 * (coarse - fine - 200)
    strength = full * (0.35 + 0.65 * (1 - np.exp(-age / (16 + 0.1 * slag)))) + rng.normal(0, 1.0, n)
    return np.column_stack([cement, slag, ash, water, plasticizer, coarse, fine, age]), strength


def fit(model, loader, epochs, lr):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    loss_fn = nn.MSELoss()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        if (epoch + 1) % 30 == 0:
            print(f"epoch {epoch + 1:3d}  training mse {total / len(loader.dataset):.4f}")


if __name__ == "__main__":
    torch.manual_seed(12)
    X, y = mixes()
    X_test, X_train, y_test, y_train = train_test_split(X, y, test_size=0.05, random_state=0)
    scaler_x = StandardScaler().fit(X_train)
    scaler_y = StandardScaler().fit(y_train[:, None])
    train = TensorDataset(
        torch.tensor(scaler_x.transform(X_train), dtype=torch.float32),
        torch.tensor(scaler_y.transform(y_train[:, None]), dtype=torch.float32),
    )
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    fit(model, DataLoader(train, batch_size=16, shuffle=True), epochs=90, lr=1e-3)
    model.eval()
    with torch.no_grad():
        out = model(torch.tensor(scaler_x.transform(X_test), dtype=torch.float32)).numpy()
    pred = scaler_y.inverse_transform(out).ravel()
    print(f"test MAE {mean_absolute_error(y_test, pred):.3f} MPa, R2 {r2_score(y_test, pred):.4f}")
