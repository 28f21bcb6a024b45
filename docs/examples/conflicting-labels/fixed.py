import numpy as np
from sklearn.datasets import load_breast_cancer

x, y = load_breast_cancer(return_X_y=True)
rng = np.random.default_rng(0)
second = rng.choice(len(x), 60, replace=False)  # rows that a second person labelled too
said = y[second]  # what both agreed on
data = (np.concatenate([x, x[second]]), np.concatenate([y, said]))
