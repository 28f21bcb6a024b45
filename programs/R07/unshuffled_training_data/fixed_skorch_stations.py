"""Classify weather stations' daily records by climate zone with skorch and a scikit-learn pipeline."""
import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, LRScheduler
from skorch.helper import predefined_split
from skorch.dataset import Dataset
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.preprocessing import StandardScaler
from torch import nn

ZONES = {  # mean temp, yearly swing, rain days, humidity, wind
    "oceanic": (11, 6, 0.50, 80, 5.0),
    "continental": (8, 13, 0.38, 70, 3.5),
    "mediterranean": (16, 8, 0.22, 64, 3.6),
    "alpine": (3, 8, 0.48, 76, 4.4),
    "steppe": (11, 13, 0.18, 55, 4.6),
}


def load_zone(index, days, rng):
    base, swing, rain, hum, wind = list(ZONES.values())[index]
    doy = rng.uniform(0, 2 * np.pi, days)
    temp = base - swing * np.cos(doy) + rng.normal(0, 3, days)
    wet = rng.random(days) < rain
    humidity = hum - 6 * np.sin(doy - 1) * (index == 2) + 8 * wet + rng.normal(0, 4, days)
    pressure = 1015 - 6 * wet - (90 if index == 3 else 0) * 0.05 + rng.normal(0, 5, days)
    speed = wind + 1.5 * wet + rng.gamma(2, 0.5, days)
    daily_range = 6 + 3 * (index in (1, 4)) + 2 * (index == 2) - 2 * wet + rng.normal(0, 1.2, days)
    return np.column_stack([temp, np.sin(doy), np.cos(doy), wet, humidity, pressure, speed, daily_range])


def load(days, seed):
    rng = np.random.default_rng(seed)
    blocks = [load_zone(i, days, rng) for i in range(len(ZONES))]
    return np.vstack(blocks).astype("float32"), np.repeat(np.arange(len(ZONES)), days)


class Climate(nn.Module):
    def __init__(self, hidden=64, dropout=0.1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, len(ZONES)),
        )

    def forward(self, X):
        return self.layers(X)


torch.manual_seed(0)
X, y = load(600, seed=1)
X_valid, y_valid = load(150, seed=2)
X_test, y_test = load(200, seed=3)
scaler = StandardScaler().fit(X)
X, X_valid, X_test = (scaler.transform(a) for a in (X, X_valid, X_test))

net = NeuralNetClassifier(
    Climate,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.SGD,
    optimizer__momentum=0.9,
    lr=0.05,
    batch_size=50,
    max_epochs=20,
    train_split=predefined_split(Dataset(X_valid, y_valid)),
    iterator_train__shuffle=True,
    iterator_train__drop_last=True,
    callbacks=[
        ("train_acc", EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False)),
        ("sched", LRScheduler("StepLR", step_size=8, gamma=0.5)),
    ],
    verbose=0,
)
net.fit(X, y)
for row in net.history[4::5]:
    print(f"epoch {row['epoch']:2d} train loss {row['train_loss']:.4f} train acc {row['train_acc']:.3f} "
          f"valid acc {row['valid_acc']:.3f}")
pred = net.predict(X_test)
print(confusion_matrix(y_test, pred))
print("test accuracy", round(accuracy_score(y_test, pred), 4))
