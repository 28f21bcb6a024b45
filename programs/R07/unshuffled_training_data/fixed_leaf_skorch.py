import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from skorch.helper import predefined_split
from skorch.dataset import Dataset
from sklearn.metrics import classification_report
from torch import nn

SPECIES = ["oak", "beech", "birch", "maple", "lime", "ash", "elm", "alder"]
COLUMNS = ["length", "width", "lobes", "serration", "thickness", "hairiness", "stalk", "gloss"]


def read_herbarium(per_species, seed):
    """The herbarium sheets lie in boxes, one box per species."""
    centers = np.random.default_rng(99).normal(0, 1, (len(SPECIES), len(COLUMNS)))
    mixer = np.random.default_rng(98).normal(0, 0.5, (len(COLUMNS), len(COLUMNS)))
    rng = np.random.default_rng(seed)
    rows, names = [], []
    for k in range(len(SPECIES)):
        young = rng.random((per_species, 1)) < 0.3
        z = centers[k] + rng.normal(0, 0.55, (per_species, len(COLUMNS)))
        z = np.where(young, z * 0.6 + 0.4 * np.tanh(z @ mixer), z)
        rows.append(z)
        names += [k] * per_species
    return np.concatenate(rows).astype(np.float32), np.array(names, dtype=np.int64)


class LeafMLP(nn.Module):
    def __init__(self, n_in=len(COLUMNS), hidden=64, n_out=len(SPECIES), dropout=0.1):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, n_out),
        )

    def forward(self, x):
        return self.net(x)


def main():
    torch.manual_seed(0)
    X_train, y_train = read_herbarium(200, seed=0)
    X_test, y_test = read_herbarium(60, seed=1)
    mean, std = X_train.mean(0), X_train.std(0)
    X_train = (X_train - mean) / std
    X_test = (X_test - mean) / std

    clf = NeuralNetClassifier(
        LeafMLP,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.05,
        max_epochs=15,
        batch_size=32,
        iterator_train__shuffle=True,
        train_split=predefined_split(Dataset(X_test, y_test)),
        callbacks=[EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False)],
        device="cpu",
    )
    clf.fit(X_train, y_train)

    pred = clf.predict(X_test)
    print(classification_report(y_test, pred, target_names=SPECIES, zero_division=0))
    print("accuracy on the test sheets:", round(float((pred == y_test).mean()), 3))


if __name__ == "__main__":
    main()
