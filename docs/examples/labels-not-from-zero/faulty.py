from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
labels = y + 1  # as the file has them: 1, 2 and 3
data = (x, labels)
