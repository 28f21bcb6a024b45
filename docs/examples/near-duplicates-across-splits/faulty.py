import numpy as np
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
order = rng.permutation(len(x))
train, val = order[:1400], order[1400:]
brighter = rng.uniform(1.01, 1.05, (100, 1)) * x[train[:100]]  # a few pictures, saved once more
x_val = np.concatenate([x[val], brighter])
y_val = np.concatenate([y[val], y[train[:100]]])
data = {"train": (x[train], y[train]), "val": (x_val, y_val)}
