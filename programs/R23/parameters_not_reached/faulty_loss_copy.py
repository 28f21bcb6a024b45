import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

X, y = load_iris(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=1, stratify=y)
scaler = StandardScaler().fit(X_train)
X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
X_val = torch.tensor(scaler.transform(X_val), dtype=torch.float32)
loader = DataLoader(TensorDataset(X_train, torch.tensor(y_train)), batch_size=15, shuffle=True)
y_val = torch.tensor(y_val)
model = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 3))
class_weights = torch.tensor([1.0, 1.2, 1.2])
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)


def batch_loss(inputs, targets):
    per_sample = nn.functional.cross_entropy(model(inputs), targets, reduction="none")
    weights = class_weights[targets]
    weighted = (per_sample * weights).sum() / weights.sum()
    return torch.tensor(weighted.item(), requires_grad=True)


for epoch in range(40):
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = batch_loss(inputs, targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 5 == 4:
        with torch.no_grad():
            val_accuracy = (model(X_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch={epoch + 1} loss={total / len(loader):.4f} val_accuracy={val_accuracy:.3f}")
