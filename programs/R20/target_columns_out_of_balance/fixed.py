"""Proline (mg/l) and hue of a wine at once, from its eleven other measurements."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
table, _ = load_wine(return_X_y=True)
table = torch.tensor(table, dtype=torch.float32)
x, wanted = table[:, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]], table[:, [12, 10]]
x_train, x_val, y_train, y_val = train_test_split(x, wanted, test_size=0.25, random_state=9)
x_val = (x_val - x_train.mean(0)) / x_train.std(0)
x_train = (x_train - x_train.mean(0)) / x_train.std(0)
centre, spread = y_train.mean(0), y_train.std(0)
y_train, y_val = (y_train - centre) / spread, (y_val - centre) / spread
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16, shuffle=True)

model = nn.Sequential(nn.Linear(11, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(30):
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            r2 = 1 - (model(x_val) - y_val).square().sum(0) / (y_val - y_val.mean(0)).square().sum(0)
        print(f"epoch {epoch + 1} loss {loss.item():.4f} proline R2 {r2[0].item():.4f} hue R2 {r2[1].item():.4f}")
