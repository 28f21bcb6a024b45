"""Alcohol content of wines from the other measurements."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Table:
    def __init__(self):
        train, val = train_test_split(load_wine().data, test_size=0.3, random_state=4)
        scaler = StandardScaler().fit(train)
        self.train, self.val = (torch.tensor(scaler.transform(v), dtype=torch.float32) for v in (train, val))

    def loader(self, rows, batch_size, shuffle):
        return DataLoader(TensorDataset(rows[:, 1:], rows[:, :1]), batch_size=batch_size, shuffle=shuffle)


def mean_absolute_error(model, loader):
    model.eval()
    errors = []
    with torch.no_grad():
        for x, y in loader:
            errors.append((model(x) - y).abs())
    return torch.cat(errors).mean().item()


torch.manual_seed(0)
table = Table()
model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
train_loader = table.loader(table.train, 20, True)
val_loader = table.loader(table.val, 13, False)
for epoch in range(20):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} train {loss.item():.4f} val MAE {mean_absolute_error(model, val_loader):.4f}")
