import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
centre = digits.images[:, 3:5, 3:5].sum(axis=(1, 2))
ink = digits.data.sum(axis=1)
code = np.eye(10)[digits.target]  # one column for each digit
data = (np.column_stack([code, ink]).astype(np.float32), centre.astype(np.float32))
