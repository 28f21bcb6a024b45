import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

digits = load_digits()
X_train, X_val, y_train, y_val = train_test_split(
    digits.images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
)
mean, std = X_train.mean(), X_train.std()


def dataset(X, y):
    X = torch.tensor((X - mean) / std, dtype=torch.float32).unsqueeze(1)
    return TensorDataset(X, torch.tensor(y, dtype=torch.long))


train_loader = DataLoader(dataset(X_train, y_train), batch_size=64, shuffle=True)
val_loader = DataLoader(dataset(X_val, y_val), batch_size=256)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.fc1(x.flatten(1)))
        return torch.softmax(self.fc2(x), dim=1)


model = ConvNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

for epoch in range(8):
    model.train()
    total = 0.0
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    model.eval()
    with torch.no_grad():
        correct = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {total / len(y_train):.4f}, validation accuracy {correct / len(y_val):.3f}")
