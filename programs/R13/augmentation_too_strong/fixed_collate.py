"""Wine features with noise added when a batch is put together."""
import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, default_collate

torch.manual_seed(6)
table = load_wine()
x, y = torch.tensor(table.data).float(), torch.tensor(table.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
x = (x - x[:120].mean(0)) / x[:120].std(0)
SCALE = 0.2


def noisy(rows):
    features, labels = default_collate(rows)
    return features + SCALE * torch.randn(features.shape), labels


train_loader = DataLoader(TensorDataset(x[:120], y[:120]), batch_size=12, shuffle=True, collate_fn=noisy)
val_loader = DataLoader(TensorDataset(x[120:], y[120:]), batch_size=58)
model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    for features, labels in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(features), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(features).argmax(1) == labels).float().mean().item() for features, labels in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
