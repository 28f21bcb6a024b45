import numpy as np
import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from skorch.dataset import Dataset
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(44)

data = load_diabetes()
x = data.data.astype(np.float32)
y = data.target.astype(np.float32)[:, None]
x_fit, x_test, y_fit, y_test = train_test_split(x, y, test_size=100, random_state=44)
x_fit, x_val, y_fit, y_val = train_test_split(x_fit, y_fit, test_size=70, random_state=44)
xs, ys = StandardScaler().fit(x_fit), StandardScaler().fit(y_fit)


class Progression(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.hidden = nn.Linear(10, hidden)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.drop(torch.tanh(self.hidden(x))))


class PrintRow(Callback):
    def on_epoch_end(self, net, **kw):
        row = net.history[-1]
        if row["epoch"] % 10 == 0:
            print(f"epoch {row['epoch']} train {row['train_loss']:.4f} valid {row['valid_loss']:.4f}")


as32 = lambda a: a.astype(np.float32)
valid = Dataset(as32(xs.transform(x_val)), as32(ys.transform(y_val)))
net = NeuralNetRegressor(
    Progression, criterion=nn.HuberLoss, optimizer=torch.optim.AdamW, optimizer__weight_decay=0.05, lr=2e-3,
    batch_size=16, max_epochs=120, iterator_train__shuffle=True, train_split=predefined_split(valid),
    callbacks=[EarlyStopping(patience=30, load_best=True), LRScheduler("StepLR", step_size=40, gamma=0.5), PrintRow()], verbose=0)
net.fit(as32(xs.transform(x_fit)), as32(ys.transform(y_fit)))
pred = ys.inverse_transform(net.predict(as32(xs.transform(x_test))))
print(f"constant prediction mae {np.abs(y_test - y_fit.mean()).mean():.2f}, net mae {np.abs(y_test - pred).mean():.2f}")
print(f"test_r2 {r2_score(y_test, pred):.4f}")
