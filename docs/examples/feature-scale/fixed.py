from sklearn.datasets import load_wine

x, y = load_wine(return_X_y=True)
x = (x - x.mean(0)) / x.std(0)
data = (x, y)
