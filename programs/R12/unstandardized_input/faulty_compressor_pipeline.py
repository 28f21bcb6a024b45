"""Efficiency of a compressor from its instruments: a scikit-learn pipeline around a skorch network."""
import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetRegressor
from torch import nn


def instruments(count, seed):
    rng = np.random.default_rng(seed)
    inlet = rng.normal(101_000, 1_500, count)                 # Pa
    ratio = rng.uniform(1.5, 4.0, count)
    outlet = inlet * ratio                                    # Pa
    temperature = rng.normal(293, 8, count)                   # K
    speed = rng.uniform(6_000, 14_000, count)                 # 1/min
    flow = rng.uniform(0.5, 3.5, count)                       # kg/s
    best = 1.6 + 1.2 * (speed - 6_000) / 8_000
    efficiency = 0.82 - 0.09 * (flow - best) ** 2 - 0.05 * (ratio - 2.6) ** 2 - 0.0012 * (temperature - 293)
    table = np.column_stack([inlet, outlet, temperature, speed, flow])
    return table.astype(np.float32), (efficiency + 0.01 * rng.normal(size=count)).astype(np.float32)


class Curve(nn.Module):
    def __init__(self, inputs=5, units=32):
        super().__init__()
        self.sequence = nn.Sequential(
            nn.Linear(inputs, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 1))

    def forward(self, X):
        return self.sequence(X)


def main():
    torch.manual_seed(0)
    X, y = instruments(1500, seed=3)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    net = NeuralNetRegressor(
        Curve, max_epochs=40, lr=2e-3, batch_size=32, optimizer=torch.optim.Adam,
        iterator_train__shuffle=True, train_split=None, verbose=0)
    model = Pipeline([
        ("net", net),
    ])
    regressor = TransformedTargetRegressor(model, transformer=StandardScaler())
    regressor.fit(X_train, y_train.reshape(-1, 1))
    for name, rows, target in (("train", X_train, y_train), ("test", X_test, y_test)):
        print(f"R2 {name} {regressor.score(rows, target.reshape(-1, 1)):.3f}")


if __name__ == "__main__":
    main()
