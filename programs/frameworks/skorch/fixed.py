import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier
from skorch.helper import predefined_split
from skorch.dataset import Dataset
from torch import nn

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(
    X.astype("float32") / 16 - 0.3, y, test_size=0.3, random_state=0
)


class Digits(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.hidden = nn.Linear(64, width)
        self.output = nn.Linear(width, 10)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x)))


net = NeuralNetClassifier(
    Digits,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.SGD,
    optimizer__momentum=0.9,
    lr=0.05,
    batch_size=64,
    max_epochs=8,
    iterator_train__shuffle=True,
    train_split=predefined_split(Dataset(X_val, y_val)),
    verbose=0,
)
net.fit(X_train, y_train)
print(f"validation accuracy {net.score(X_val, y_val):.3f}")
