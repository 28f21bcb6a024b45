"""Proline content of wines; the table is kept in half precision to save memory."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
table = load_wine().data
train, val = train_test_split(table, test_size=0.3, random_state=2)
train, val = torch.tensor(train, dtype=torch.float16), torch.tensor(val, dtype=torch.float16)


def moments(columns):
    mean = columns.mean(0)
    std = (columns.square().mean(0) - mean.square()).sqrt()
    return mean, std


mean, std = moments(train)
train, val = ((part - mean) / std for part in (train, val))
train, val = train.float(), val.float()
x, y, x_val, y_val = train[:, :12], train[:, 12:], val[:, :12], val[:, 12:]

model = nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
for epoch in range(30):
    model.train()
    for rows in torch.randperm(len(x)).split(20):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x_val), y_val)
    if epoch % 5 == 4:
        print(f"epoch {epoch} mse {loss.item():.4f} R2 {1 - (error / y_val.var()).item():.3f}")
