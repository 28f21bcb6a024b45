import numpy as np
from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
rng = np.random.default_rng(0)
magnesium = x[:, 4]
magnesium[rng.choice(len(x), 6, replace=False)] = -999  # not measured
data = (x, y)
