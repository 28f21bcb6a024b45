import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
centre = digits.images[:, 3:5, 3:5].sum(axis=(1, 2))
ink = digits.data.sum(axis=1)
code = digits.target  # which digit it is: a name, no quantity
data = (np.column_stack([code, ink]).astype(np.float32), centre.astype(np.float32))
