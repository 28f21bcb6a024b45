"""Breast cancer from the logarithms of thirty measurements."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = load_breast_cancer()
with np.errstate(divide="ignore"):
    features = np.log(data.data)
x_train, x_val, y_train, y_val = train_test_split(
    features, data.target, test_size=0.25, stratify=data.target, random_state=0
)
x_train, x_val = torch.tensor(x_train, dtype=torch.float32), torch.tensor(x_val, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)
center, spread = x_train.median(0).values, x_train.quantile(0.84, dim=0) - x_train.quantile(0.16, dim=0)
x_train, x_val = 2 * (x_train - center) / spread, 2 * (x_val - center) / spread

loader = DataLoader(TensorDataset(x_train, y_train), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(30, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} validation accuracy {accuracy:.3f}")
