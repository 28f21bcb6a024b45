"""Crop type from Sentinel-like band time series (NDVI/NDWI/SWIR, 12 dates) with skorch."""
import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, LRScheduler
from torch import nn

CROPS = ["wheat", "barley", "maize", "beet", "rapeseed", "potato", "grass", "sunflower"]
PEAK = [150, 140, 215, 220, 125, 195, 170, 205]
WIDTH = [38, 36, 34, 48, 34, 33, 90, 32]
WET = [0.1, 0.05, 0.2, 0.35, 0.15, 0.3, 0.25, 0.1]


def fields(n=3200, seed=9):
    rng = np.random.default_rng(seed)
    doy = np.linspace(70, 290, 12)
    y = rng.integers(0, len(CROPS), n)
    peak = np.asarray(PEAK)[y] + rng.normal(0, 6, n)
    width = np.asarray(WIDTH)[y] * rng.normal(1, 0.08, n)
    ndvi = 0.2 + 0.6 * rng.normal(1, 0.07, n)[:, None] * np.exp(-((doy - peak[:, None]) / width[:, None]) ** 2)
    ndwi = np.asarray(WET)[y][:, None] * ndvi + rng.normal(0, 0.03, (n, 12))
    swir = 0.4 - 0.3 * ndvi + 0.1 * rng.normal(0, 1, n)[:, None] * 0.3
    cloud = rng.random((n, 12)) < 0.06
    ndvi = ndvi + rng.normal(0, 0.04, (n, 12)) - 0.25 * cloud
    return np.concatenate([ndvi, ndwi, swir], 1).astype(np.float32), y.astype(np.int64)


def build_mlp(sizes, act=nn.ReLU, norm=True):
    layers = []
    for i in range(len(sizes) - 1):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        last = i == len(sizes) - 2
        if norm and not last:
            layers.append(nn.BatchNorm1d(sizes[i + 1]))
        if not last:
            layers.append(act())
    return nn.Sequential(*layers)


class CropNet(nn.Module):
    def __init__(self, n_in=36, hidden=(96, 48), n_out=len(CROPS)):
        super().__init__()
        self.mlp = build_mlp([n_in, *hidden, n_out])

    def forward(self, x):
        return self.mlp(x)


def main():
    torch.manual_seed(5)
    torch.set_num_threads(1)
    x, y = fields()
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
    net = NeuralNetClassifier(
        CropNet,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=2e-3,
        batch_size=64,
        max_epochs=20,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[
            EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False),
            LRScheduler("CosineAnnealingLR", T_max=20),
        ],
    )
    clf = make_pipeline(StandardScaler(), net)
    clf.fit(x_tr, y_tr)
    pred = clf.predict(x_te)
    print(confusion_matrix(y_te, pred))
    print(f"test accuracy {accuracy_score(y_te, pred):.4f}")


if __name__ == "__main__":
    main()
