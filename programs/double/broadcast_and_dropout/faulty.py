import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
x, y = load_diabetes(return_X_y=True)
x = torch.tensor(x, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32)
x = (x - x[:350].mean(0)) / x[:350].std(0)
y = (y - y[:350].mean()) / y[:350].std()
loader = DataLoader(TensorDataset(x[:350], y[:350]), batch_size=25, shuffle=True)

model = nn.Sequential(
    nn.Linear(10, 64),
    nn.ReLU(),
    nn.Dropout(0.98),
    nn.Linear(64, 1),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)


def squared_error(prediction, target):
    return ((prediction - target) ** 2).mean()


for epoch in range(40):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = squared_error(model(inputs), targets)
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    prediction = model(x[350:]).squeeze(1)
    r2 = 1 - ((prediction - y[350:]) ** 2).sum() / ((y[350:] - y[350:].mean()) ** 2).sum()
print(f"test r2 {r2:.3f}")
