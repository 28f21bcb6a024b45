"""One digit against the rest, nine to one, with a weighted loss and the F1 score."""

import torch
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(6)
X, target = load_digits(return_X_y=True)
X_train, X_val, t_train, t_val = train_test_split(
    X, (target == 3).astype("float32"), test_size=0.3, stratify=target, random_state=6
)
mean, std = X_train.mean(), X_train.std()
X_train, X_val = torch.tensor((X_train - mean) / std).float(), torch.tensor((X_val - mean) / std).float()
t_train, t_val = torch.tensor(t_train), torch.tensor(t_val)

model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
positive_weight = (t_train == 0).sum() / (t_train == 1).sum()
loss_fn = nn.BCEWithLogitsLoss(pos_weight=positive_weight)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)

for epoch in range(10):
    model.train()
    order = torch.randperm(len(X_train))
    total = 0.0
    for start in range(0, len(order), 40):
        rows = order[start : start + 40]
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[rows]), t_train[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    model.eval()
    with torch.no_grad():
        predicted = (model(X_val) > 0).float()
    print(f"epoch {epoch}: loss {total / len(order):.4f}, F1 {f1_score(t_val, predicted):.3f}")
