import numpy as np
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
rows = np.random.default_rng(0).permutation(len(x))[:200]
data = (x[rows] / 16, y[rows])
