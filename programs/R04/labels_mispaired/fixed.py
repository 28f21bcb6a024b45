import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
X, y = load_digits(return_X_y=True)
split = rng.permutation(len(X))
X_train, y_train = X[split[:1400]], y[split[:1400]]
X_val, y_val = X[split[1400:]], y[split[1400:]]

# shuffle the training set
order = rng.permutation(len(X_train))
X_train, y_train = X_train[order], y_train[order]

mean, std = X_train.mean(), X_train.std()
to_tensor = lambda a: torch.tensor((a - mean) / std, dtype=torch.float32)
train_loader = DataLoader(TensorDataset(to_tensor(X_train), torch.tensor(y_train)), batch_size=50, shuffle=True)
x_val, y_val = to_tensor(X_val), torch.tensor(y_val)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    running = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: train loss {running:.3f}, val accuracy {accuracy:.3f}")
