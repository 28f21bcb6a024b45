"""skorch's classifier takes probabilities with NLLLoss: it takes their logarithm itself."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn

torch.manual_seed(2)
x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype(np.float32)
x, x_test, y, y_test = train_test_split(x, y.astype(np.int64), test_size=0.25, stratify=y, random_state=2)


class Module(nn.Module):
    def __init__(self, units=64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Dropout(0.2), nn.Linear(units, 10))

    def forward(self, X):
        return torch.softmax(self.layers(X), dim=-1)


net = NeuralNetClassifier(
    Module, max_epochs=15, lr=0.1, batch_size=32, iterator_train__shuffle=True, optimizer=torch.optim.SGD,
    optimizer__momentum=0.9, callbacks=[LRScheduler("StepLR", step_size=6, gamma=0.3)], verbose=0,
)  # fmt: skip
net.fit(x, y)
print("valid loss", [round(float(value), 3) for value in net.history[:, "valid_loss"]][-3:])
print(f"test accuracy {(net.predict(x_test) == y_test).mean():.4f}")
