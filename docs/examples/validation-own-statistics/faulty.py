from sklearn.datasets import load_breast_cancer

x, y = load_breast_cancer(return_X_y=True)
train, val = slice(0, 400), slice(400, 569)
statistics = val
data = {
    name: ((x[part] - x[of].mean(0)) / x[of].std(0), y[part]) for name, part, of in (("train", train, train), ("val", val, statistics))
}
