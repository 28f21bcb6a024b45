from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
train, val = slice(0, 300), slice(300, 1797)
mean, std = x[train].mean(0), x[train].std(0)
std = std + 1e-8
data = {name: ((x[part] - mean) / std, y[part]) for name, part in (("train", train), ("val", val))}
