import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(1)

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=1, stratify=y)
center, scale = X_train.mean(axis=0), X_train.std()
X_train = torch.tensor((X_train - center) / scale, dtype=torch.float32)
X_val = torch.tensor((X_val - center) / scale, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)

model = nn.Sequential(
    nn.Linear(64, 64),
    nn.Tanh(),
    nn.Linear(64, 64),
    nn.Tanh(),
    nn.Linear(64, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
batch_size = 32

for epoch in range(10):
    order = torch.randperm(len(X_train))
    losses = []
    for i in range(0, len(order), batch_size):
        idx = order[i : i + batch_size]
        out = model(X_train[idx])
        loss = F.cross_entropy(out, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        val_acc = (model(X_val).argmax(1) == y_val).float().mean()
    print(f"{epoch:3d} loss={np.mean(losses):.3f} val_acc={val_acc:.3f}")
