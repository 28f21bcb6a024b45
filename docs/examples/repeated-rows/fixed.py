import numpy as np
from sklearn.datasets import load_breast_cancer

x, y = load_breast_cancer(return_X_y=True)
parts = [slice(0, 300), slice(300, 569)]  # two files, read one after the other
data = (np.concatenate([x[part] for part in parts]), np.concatenate([y[part] for part in parts]))
