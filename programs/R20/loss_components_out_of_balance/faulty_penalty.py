import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)

cancer = load_breast_cancer()
perm = torch.randperm(len(cancer.target))
X = torch.tensor(cancer.data, dtype=torch.float32)[perm]
y = torch.tensor(cancer.target, dtype=torch.float32)[perm]
X = (X - X[:430].mean(dim=0)) / X[:430].std(dim=0)
loader = DataLoader(TensorDataset(X[:430], y[:430]), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
l2_lambda = 1.0


def l2_penalty(model):
    return sum(p.pow(2).sum() for p in model.parameters() if p.dim() > 1)


for epoch in range(15):
    model.train()
    running = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs).squeeze(1), targets)
        loss = loss + l2_lambda * l2_penalty(model)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        logits = model(X[430:]).squeeze(1)
        val_loss = criterion(logits, y[430:]).item()
        val_acc = ((logits > 0) == (y[430:] > 0.5)).float().mean().item()
    print(f"epoch {epoch}: loss={running / len(loader):.4f} val_loss={val_loss:.4f} val_acc={val_acc:.4f}")
