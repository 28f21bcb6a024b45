# delayed or not? logistic-style deep model for simulated flights
import random

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score


def set_seed(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)


def build_flights(n):
    hour = np.random.uniform(5, 23, n)
    carrier = np.random.randint(0, 8, n)
    distance = np.random.gamma(2.0, 400.0, n)
    wind = np.abs(np.random.normal(0, 8, n))
    snow = (np.random.rand(n) < 0.08) * np.random.rand(n)
    carrier_effect = np.linspace(-0.8, 0.8, 8)[carrier]
    logit = -1.2 + 0.18 * (hour - 14) + carrier_effect + 0.05 * wind + 4 * snow + 1.5 * (wind > 12) * (hour > 18)
    logit += 0.8 * np.sin(distance / 300)
    delayed = np.random.rand(n) < 1 / (1 + np.exp(-1.6 * logit))
    num = np.stack([(hour - 14) / 5, np.log(distance + 50) - 6.5, (wind - 6) / 5, snow * 4, distance / 600 - 1.3], 1)
    x = np.concatenate([num, np.eye(8)[carrier]], 1)
    return x.astype("float32"), delayed.astype("float32")


set_seed(77)
x_tr, y_tr = build_flights(5000)
x_va, y_va = build_flights(2000)
train_loader = torch.utils.data.DataLoader(
    list(zip(x_tr, y_tr)), batch_size=100, shuffle=True
)

model = nn.Sequential(
    nn.Linear(13, 64), nn.GELU(), nn.LayerNorm(64),
    nn.Linear(64, 64), nn.GELU(), nn.LayerNorm(64),
    nn.Linear(64, 1), nn.Flatten(0),
)
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)

for epoch in range(12):
    model.train()
    running_loss = 0.0
    optimizer.zero_grad()
    for x, y in train_loader:
        out = model(x)
        loss = loss_fn(out, y)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        p = torch.sigmoid(model(torch.from_numpy(x_va))).numpy()
    print(f"[{epoch + 1:02d}] loss: {running_loss / len(train_loader):.4f} val AUC {roc_auc_score(y_va, p):.4f}")
