"""Wine cultivars with skorch, 5 stratified repeats. Homework 3, part b."""
import numpy as np
import torch
from torch import nn
from sklearn.datasets import load_wine
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring

HIDDEN = 24
MAX_EPOCHS = 60


class WineNet(nn.Module):
    def __init__(self, n_features=13, hidden=HIDDEN, n_classes=3, p=0.1):
        super().__init__()
        self.hidden1 = nn.Linear(n_features, hidden)
        self.hidden2 = nn.Linear(hidden, hidden)
        self.drop = nn.Dropout(p)
        self.out = nn.Linear(hidden, n_classes)

    def forward(self, X):
        X = torch.tanh(self.hidden1(X))
        X = torch.tanh(self.hidden2(self.drop(X)))
        return self.out(X)


def build_net(seed):
    torch.manual_seed(seed)
    return NeuralNetClassifier(
        WineNet,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.02,
        batch_size=16,
        max_epochs=MAX_EPOCHS,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[("train_acc", EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False))],
        verbose=0,
    )


def build_pipeline(seed):
    to_float32 = FunctionTransformer(lambda a: a.astype(np.float32))
    steps = [
        ("cast", to_float32),
        ("net", build_net(seed)),
    ]
    return Pipeline(steps)


def main():
    wine = load_wine()
    X, y = wine.data, wine.target.astype(np.int64)
    print("features:", ", ".join(wine.feature_names))
    print("rows per class:", np.bincount(y))

    scores = []
    total_cm = np.zeros((3, 3), dtype=int)
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=13)
    for k, (tr, te) in enumerate(folds.split(X, y)):
        pipe = build_pipeline(seed=k)
        pipe.fit(X[tr], y[tr])
        history = pipe.named_steps["net"].history
        pred = pipe.predict(X[te])
        acc = (pred == y[te]).mean()
        scores.append(acc)
        total_cm += confusion_matrix(y[te], pred, labels=[0, 1, 2])
        for e in (0, 9, 29, MAX_EPOCHS - 1):
            print(f"fold {k} epoch {e + 1:3d} train loss {history[e, 'train_loss']:.4f} acc {history[e, 'train_acc']:.3f}")
        print(f"fold {k} test accuracy {acc:.3f}")

    print(total_cm)
    print(f"mean test accuracy: {np.mean(scores):.4f} +- {np.std(scores):.4f}")


if __name__ == "__main__":
    main()
