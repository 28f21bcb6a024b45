import numpy as np
from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
rng = np.random.default_rng(0)
order = np.argsort(y)
data = (x[order], y[order])
