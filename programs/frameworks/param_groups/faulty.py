import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16 - 0.3, y, test_size=0.3, random_state=0)
X_train, X_val = torch.tensor(X_train, dtype=torch.float32), torch.tensor(X_val, dtype=torch.float32)
y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)

body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
head = nn.Linear(32, 10)
model = nn.Sequential(body, head)
optimizer = torch.optim.AdamW(
    [
        {"params": [p for p in body.parameters() if p.dim() == 1], "lr": 3e-3, "weight_decay": 0.0},
        {"params": head.parameters(), "lr": 1e-2},
    ]
)

for epoch in range(6):
    for index in torch.randperm(len(X_train)).split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X_train[index]), y_train[index])
        loss.backward()
        optimizer.step()

with torch.no_grad():
    accuracy = (model(X_val).argmax(1) == y_val).float().mean()
print(f"validation accuracy {accuracy:.3f}")
