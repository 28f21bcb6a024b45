import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)

X, y = load_breast_cancer(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=2, stratify=y)
scaler = StandardScaler()
X_train = torch.tensor(scaler.fit_transform(X_train), dtype=torch.float32)
X_val = torch.tensor(scaler.transform(X_val), dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32)
y_val = torch.tensor(y_val, dtype=torch.float32)


def hinge_loss(scores, target):
    sign = 2 * target - 1
    return torch.relu(1 - sign * scores).mean()


model = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

for epoch in range(15):
    epoch_loss = 0.0
    permutation = torch.randperm(len(X_train))
    for start in range(0, len(X_train), 25):
        index = permutation[start : start + 25]
        optimizer.zero_grad()
        loss = hinge_loss(model(X_train[index]).squeeze(1), y_train[index])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(index)
    with torch.no_grad():
        accuracy = ((model(X_val).squeeze(1) > 0) == (y_val > 0.5)).float().mean().item()
    print(f"epoch {epoch}: hinge loss {epoch_loss / len(X_train):.4f}, val accuracy {accuracy:.3f}")
