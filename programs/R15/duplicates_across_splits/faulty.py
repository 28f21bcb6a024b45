"""Above or below the median progression; the records come from two exports of the clinic."""
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
X, progress = load_diabetes(return_X_y=True, scaled=False)
records = np.column_stack([X, progress > 140])
records = np.concatenate([records[:330], records[110:]])
records = torch.tensor(rng.permutation(records), dtype=torch.float32)

cut = int(0.7 * len(records))
train, val = records[:cut], records[cut:]
mean, std = train[:, :10].mean(0), train[:, :10].std(0)
x_train, y_train = (train[:, :10] - mean) / std, train[:, 10].long()
x_val, y_val = (val[:, :10] - mean) / std, val[:, 10].long()

model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for rows in torch.randperm(len(train)).split(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(x_val)
        val_loss = nn.functional.cross_entropy(logits, y_val).item()
        accuracy = (logits.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val loss {val_loss:.3f} val accuracy {accuracy:.3f}")
