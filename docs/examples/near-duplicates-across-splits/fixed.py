import numpy as np
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
order = rng.permutation(len(x))
train, val = order[:1400], order[1400:]
copies = x[train[:0]]
noisy = copies + rng.normal(0, 0.05, copies.shape)  # the same pictures, saved again
x_val = np.concatenate([x[val], noisy])
y_val = np.concatenate([y[val], y[train[: len(noisy)]]])
data = {"train": (x[train], y[train]), "val": (x_val, y_val)}
