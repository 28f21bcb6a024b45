import numpy as np
import torch
import torch.nn as nn
from sklearn.preprocessing import MinMaxScaler

np.random.seed(1)
torch.manual_seed(1)

sequence_length = 12
N_MAX_EPOCHS = 15
BATCH_SIZE = 64

n = 1700
hours = np.arange(n)
trend = 40 + 0.01 * hours + 12 * np.sin(2 * np.pi * hours / 900)
daily = 6 * np.sin(2 * np.pi * hours / 24)
noise = np.zeros(n)
for i in range(1, n):
    noise[i] = 0.8 * noise[i - 1] + np.random.randn()
volume = trend + daily + noise
fees = 0.3 * volume + np.random.randn(n)
assets = np.stack([volume, fees], axis=1)


def generate_data(values, sequence_length):
    X, y = [], []
    for i in range(sequence_length, len(values)):
        X.append(values[i - sequence_length:i])
        y.append(values[i, 0])
    return np.array(X), np.array(y)


cut = 1400
X_train, y_train = generate_data(assets[:cut], sequence_length)
X_test, y_test = generate_data(assets[cut:], sequence_length)
X_train, X_test = X_train.reshape(-1, 2), X_test.reshape(-1, 2)

x_scaler = MinMaxScaler()
X_train_s = x_scaler.fit_transform(X_train)
x_scaler_test = MinMaxScaler()
X_test_s = x_scaler.transform(X_test)
y_scaler = MinMaxScaler()
y_train_s = y_scaler.fit_transform(y_train[:, None])[:, 0]

X_train_s = torch.tensor(X_train_s.reshape(-1, sequence_length, 2), dtype=torch.float32)
X_test_s = torch.tensor(X_test_s.reshape(-1, sequence_length, 2), dtype=torch.float32)
y_train_s = torch.tensor(y_train_s, dtype=torch.float32)


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1]).squeeze(1)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_fn = nn.MSELoss()

for epoch in range(N_MAX_EPOCHS):
    model.train()
    total = 0.0
    perm = torch.randperm(len(X_train_s))
    for chunk in perm.split(BATCH_SIZE):
        optimizer.zero_grad()
        loss = loss_fn(model(X_train_s[chunk]), y_train_s[chunk])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(chunk)
    if epoch % 3 == 2:
        print(f'epoch {epoch + 1} loss {total / len(perm):.5f}')


def r2(x, y):
    model.eval()
    with torch.no_grad():
        pred = y_scaler.inverse_transform(model(x).numpy()[:, None])[:, 0]
    return 1 - ((pred - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()


print(f'train R2: {r2(X_train_s, y_train):.3f}')
print(f'final test R2: {r2(X_test_s, y_test):.3f}')
