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


class Net(nn.Module):
    """Two layers share one weight."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(64, 32)
        self.first, self.second = nn.Linear(32, 32), nn.Linear(32, 32)
        self.second.weight = self.first.weight
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        h = torch.relu(self.embed(x))
        h = torch.relu(self.first(h))
        h = torch.relu(self.second(h))
        return self.head(h)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)

for epoch in range(8):
    for index in torch.randperm(len(X_train)).split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X_train[index]), y_train[index])
        loss.backward()
        optimizer.step()

with torch.no_grad():
    accuracy = (model(X_val).argmax(1) == y_val).float().mean()
print(f"validation accuracy {accuracy:.3f}")
