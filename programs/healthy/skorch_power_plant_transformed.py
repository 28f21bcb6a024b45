"""Output of a power plant (in kilowatts) with skorch inside scikit-learn: column transformer, target transformer, cross-validation."""
import numpy as np
import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import EarlyStopping, GradientNormClipping, LRScheduler
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, QuantileTransformer, StandardScaler
from torch import nn


def plant(n=1500, seed=50):
    rng = np.random.default_rng(seed)
    fuel = rng.choice(["gas", "oil", "wood"], n, p=[0.6, 0.25, 0.15])
    ambient = rng.normal(14, 9, n)
    humidity = rng.beta(4, 2, n) * 100
    pressure = rng.normal(101_300, 900, n)
    load = rng.uniform(0.3, 1.0, n)
    hours = rng.exponential(9000, n)
    eff = np.select([fuel == "gas", fuel == "oil"], [0.52, 0.44], 0.33)
    power = 9e5 * eff * load**0.9 * (1 - 0.006 * (ambient - 15)) * (pressure / 101_300) * (1 - 0.04 * np.log1p(hours / 4000))
    power *= 1 - 0.0004 * (humidity - 60) * np.maximum(ambient, 0) / 15
    power *= rng.normal(1, 0.01, n)
    X = np.empty((n, 6), dtype=object)
    for j, c in enumerate((fuel, ambient, humidity, pressure, load, hours)):
        X[:, j] = c
    X[rng.random(n) < 0.07, 2] = np.nan
    return X, power


class Regressor(nn.Module):
    def __init__(self, hidden=32, depth=2, inputs=8):
        super().__init__()
        layers = []
        for _ in range(depth):
            layers += [nn.Linear(inputs, hidden), nn.Mish()]
            inputs = hidden
        self.net = nn.Sequential(*layers, nn.Linear(hidden, 1))

    def forward(self, X):
        return self.net(X)


class Column(NeuralNetRegressor):
    """TransformedTargetRegressor hands over a flat target; skorch wants a column."""

    def fit(self, X, y=None, **params):
        return super().fit(X, y.reshape(-1, 1), **params)


class Float32Scaler(StandardScaler):
    def transform(self, X, copy=None):
        return super().transform(X, copy).astype(np.float32)


to32 = FunctionTransformer(lambda a: np.asarray(a, dtype=np.float32))
columns = ColumnTransformer([
    ("fuel", OneHotEncoder(sparse_output=False), [0]),
    ("plain", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [1, 2, 3, 4]),
    ("hours", QuantileTransformer(n_quantiles=100, output_distribution="normal"), [5]),
])


def build():
    net = Column(
        Regressor, criterion=nn.SmoothL1Loss, optimizer=torch.optim.AdamW, optimizer__weight_decay=1e-4, lr=5e-3, batch_size=40,
        max_epochs=40, iterator_train__shuffle=True, verbose=0,
        callbacks=[EarlyStopping(patience=8, load_best=True), GradientNormClipping(2.0),
                   LRScheduler("CosineAnnealingLR", T_max=40)],
    )
    return TransformedTargetRegressor(make_pipeline(columns, to32, net), transformer=Float32Scaler(), check_inverse=False)


if __name__ == "__main__":
    torch.manual_seed(50)
    X, y = plant()
    model = build()
    folds = KFold(4, shuffle=True, random_state=1)
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    ours = cross_validate(model, X, y, cv=folds, scoring=scoring)
    dummy = cross_validate(DummyRegressor(), X, y, cv=folds, scoring=scoring)
    for k, (r2, mae) in enumerate(zip(ours["test_r2"], ours["test_mae"])):
        print(f"fold {k}: R2 {r2:.4f} MAE {-mae / 1000:.2f} MW")
    print(f"mean R2 {ours['test_r2'].mean():.4f}, MAE {-ours['test_mae'].mean() / 1000:.2f} MW "
          f"(constant forecast {-dummy['test_mae'].mean() / 1000:.2f} MW)")
