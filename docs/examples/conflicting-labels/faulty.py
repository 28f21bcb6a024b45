import numpy as np
from sklearn.datasets import load_breast_cancer

x, y = load_breast_cancer(return_X_y=True)
rng = np.random.default_rng(0)
second = rng.choice(len(x), 60, replace=False)  # rows that a second person labelled too
said = np.where(rng.random(60) < 0.3, 1 - y[second], y[second])
data = (np.concatenate([x, x[second]]), np.concatenate([y, said]))
