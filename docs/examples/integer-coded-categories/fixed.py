import numpy as np
from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
cultivar = np.array([2, 0, 1])[y]  # a code that has no order
alcohol = x[:, 0]
code = np.eye(3)[cultivar]  # one column for each
data = (np.column_stack([code, x[:, 1:4]]).astype(np.float32), alcohol.astype(np.float32))
