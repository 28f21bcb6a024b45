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

model = nn.Sequential(nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 10))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)


def closure():
    loss = F.cross_entropy(model(X_train), y_train) + 1e-4 * sum((p**2).sum() for p in model.parameters())
    loss.backward()
    return loss


for step in range(15):
    optimizer.step(closure)

with torch.no_grad():
    accuracy = (model(X_val).argmax(1) == y_val).float().mean()
print(f"validation accuracy {accuracy:.3f}")
