import numpy as np
from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
x = x.astype(np.float32)
data = (x, y)
