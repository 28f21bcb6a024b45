import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)

X, y = load_digits(return_X_y=True)
X, y = torch.tensor(X).float(), torch.tensor(y)
shuffled = torch.randperm(len(X))
train_idx, val_idx = shuffled[:1437], shuffled[1437:]
mu, sigma = X[train_idx].mean(), X[train_idx].std()
X = (X - mu) / sigma
loader = DataLoader(TensorDataset(X[train_idx], y[train_idx]), batch_size=32, shuffle=True)

model = nn.Sequential(
    nn.Linear(64, 100),
    nn.ReLU(),
    nn.Linear(100, 10),
    nn.LogSoftmax(dim=1),
)
criterion = nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)

for epoch in range(8):
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for i in val_idx:
            log_probs = model(X[i].unsqueeze(0))
            correct += int(log_probs.argmax() == y[i])
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation accuracy {correct / len(val_idx):.4f}")
