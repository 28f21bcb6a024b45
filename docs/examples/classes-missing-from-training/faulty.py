import numpy as np
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
order = np.arange(150)  # the file is sorted by class
train, val = order[:100], order[100:]
data = {"train": (x[train], y[train]), "val": (x[val], y[val])}
