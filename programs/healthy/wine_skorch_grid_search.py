"""scikit-learn's grid search over a skorch network in a pipeline; the best settings are fitted again and tested."""
import numpy as np
import torch
from skorch import NeuralNetClassifier
from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"


class Net(nn.Module):
    def __init__(self, hidden=32, dropout=0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(13, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(),
                                    nn.Linear(hidden, 3))

    def forward(self, X):
        return self.layers(X)


X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X.astype(np.float32), y.astype(np.int64), test_size=0.25, stratify=y, random_state=0)
net = NeuralNetClassifier(Net, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=1e-2, max_epochs=30, batch_size=32,
                          iterator_train__shuffle=True, train_split=None, verbose=0, device=device)
pipeline = Pipeline([("scale", StandardScaler()), ("net", net)])
grid = {"net__lr": [3e-3, 1e-2, 3e-2], "net__module__hidden": [16, 64], "net__module__dropout": [0.0, 0.3]}
search = GridSearchCV(pipeline, grid, cv=StratifiedKFold(3, shuffle=True, random_state=0), scoring="accuracy")
search.fit(X_train, y_train)
print("best", search.best_params_, round(search.best_score_, 3))
print("test accuracy", round(accuracy_score(y_test, search.predict(X_test)), 3))
