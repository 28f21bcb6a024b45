"""Proline content of a wine (mg/l) from twelve other measurements."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
table, _ = load_wine(return_X_y=True)
x, proline = table[:, :12], table[:, 12:]
x_train, x_val, y_train, y_val = train_test_split(x, proline, test_size=0.25, random_state=4)
scaler = StandardScaler().fit(x_train)
x_train, x_val = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x_train, x_val))
centre, spread = y_train.mean(), y_train.std()
y_train, y_val = (torch.tensor((part - centre) / spread, dtype=torch.float32) for part in (y_train, y_val))
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16, shuffle=True)

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_function = nn.MSELoss()
for epoch in range(40):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        residual = (model(x_val) - y_val) * spread
        r2 = 1 - (residual.square().sum() / ((y_val - y_val.mean()) * spread).square().sum()).item()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1} loss {loss.item():.3g} validation R2 {r2:.4f}")
