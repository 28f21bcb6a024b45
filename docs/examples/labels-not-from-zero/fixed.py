from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
labels = y  # 0, 1 and 2
data = (x, labels)
