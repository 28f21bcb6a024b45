import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from skorch.helper import predefined_split
from skorch.dataset import Dataset
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(12)

X, y = make_classification(n_samples=4000, n_features=16, n_informative=10, n_redundant=2, n_classes=5,
                           n_clusters_per_class=2, class_sep=1.3, flip_y=0.02, random_state=12)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=12, stratify=y)
scaler = StandardScaler().fit(X_train)
X_train = scaler.transform(X_train).astype(np.float32)
X_valid = scaler.transform(X_valid).astype(np.float32)


class QualityNet(nn.Module):
    def __init__(self, n_in=16, hidden=96, n_out=5, dropout=0.5):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_in, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, n_out),
        )

    def forward(self, x):
        return self.net(x)


class PlainPrint(EpochScoring):
    def on_epoch_end(self, net, *args, **kwargs):
        super().on_epoch_end(net, *args, **kwargs)
        row = net.history[-1]
        print(f"epoch {row['epoch']} train_loss {row['train_loss']:.4f} valid_loss {row['valid_loss']:.4f} "
              f"valid_accuracy {row['acc']:.4f}")


net = NeuralNetClassifier(
    QualityNet,
    module__dropout=0.1,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    optimizer__weight_decay=1e-5,
    lr=2e-3,
    batch_size=64,
    max_epochs=25,
    train_split=predefined_split(Dataset(X_valid, y_valid)),
    callbacks=[PlainPrint("accuracy", name="acc", lower_is_better=False)],
    verbose=0,
)
net.fit(X_train, y_train)
print(f"final valid_accuracy {net.score(X_valid, y_valid):.4f}")
