"""Benign or malignant? Ten numbers of each cell nucleus, in two large batches."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(34)
table, target = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(table[:, :10], target, test_size=0.3, stratify=target, random_state=4)
scaler = StandardScaler().fit(x_train)
x_train, x_test = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (x_train, x_test))
y_train, y_test = (torch.tensor(part, dtype=torch.float32).unsqueeze(1) for part in (y_train, y_test))
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=200, shuffle=True)

model = nn.Sequential(nn.Linear(10, 32), nn.SiLU(), nn.Linear(32, 16), nn.SiLU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
for epoch in range(20):
    for xb, yb in loader:
        loss = nn.functional.binary_cross_entropy_with_logits(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(x_test)
        held_out = nn.functional.binary_cross_entropy_with_logits(logits, y_test).item()
        accuracy = ((logits > 0) == (y_test > 0.5)).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f} test loss {held_out:.4f}")
