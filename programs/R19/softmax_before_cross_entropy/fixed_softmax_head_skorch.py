"""Digits with skorch and a scikit-learn pipeline."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, LRScheduler
from skorch.dataset import ValidSplit
from torch import nn
from torch.optim.lr_scheduler import StepLR

np.random.seed(0)
torch.manual_seed(0)


class ClassifierModule(nn.Module):
    def __init__(self, num_units=100, nonlin=nn.ReLU(), dropout=0.3):
        super().__init__()
        self.num_units = num_units
        self.dense0 = nn.Linear(64, num_units)
        self.nonlin = nonlin
        self.dropout = nn.Dropout(dropout)
        self.dense1 = nn.Linear(num_units, num_units // 2)
        self.output = nn.Linear(num_units // 2, 10)

    def forward(self, X):
        X = self.dropout(self.nonlin(self.dense0(X)))
        X = self.nonlin(self.dense1(X))
        return self.output(X)


digits = load_digits()
X, y = digits.data.astype(np.float32), digits.target.astype(np.int64)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=42, stratify=y)

net = NeuralNetClassifier(
    ClassifierModule,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    lr=0.003,
    max_epochs=15,
    batch_size=64,
    iterator_train__shuffle=True,
    train_split=ValidSplit(0.2, stratified=True, random_state=1),
    callbacks=[
        ("schedule", LRScheduler(StepLR, step_size=6, gamma=0.4)),
        ("train_acc", EpochScoring("accuracy", name="train_acc", on_train=True, lower_is_better=False)),
    ],
    verbose=0,
)
pipe = Pipeline([
    ("scale", MinMaxScaler()),
    ("cast", FunctionTransformer(lambda a: a.astype(np.float32))),
    ("net", net),
])
pipe.fit(X_train, y_train)
for row in net.history[::3]:
    print(f"epoch {row['epoch']:2d} train loss {row['train_loss']:.4f} valid loss {row['valid_loss']:.4f} valid acc {row['valid_acc']:.4f}")
proba = pipe.predict_proba(X_test)
print("test accuracy", round(accuracy_score(y_test, proba.argmax(1)), 4))
print(f"test log loss {log_loss(y_test, proba):.4f}")
